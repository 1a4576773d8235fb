import type { Case, SessionCases } from '../../harness/plugin-cases.ts';
import { message, plainMessage, type Step } from '../../harness/session.ts';
import { meant } from './meant.ts';

const hello = 'EHLO client.example.org';
const from = 'MAIL FROM:<sender@example.org>';
const to = 'RCPT TO:<user@example.com>';
const send: Step = { data: plainMessage() };

const sessions: SessionCases = {
  setups: [
    {
      name: 'pipelining',
      cases: [
        {
          name: 'envelope and DATA in one packet',
          script: [
            hello,
            {
              pipeline: [from, to, 'RCPT TO:<b@elsewhere.test>', 'RCPT TO:<c@example.com>', 'DATA'],
              message: plainMessage(),
            },
            'QUIT',
          ],
        },
        {
          name: 'RSET and a second envelope in one packet',
          script: [hello, { pipeline: [from, to, 'RSET', from, to] }, send, 'QUIT'],
        },
        {
          name: 'DATA behind recipients that were all refused',
          script: [hello, { pipeline: [from, 'RCPT TO:<b@elsewhere.test>', 'DATA'], message: plainMessage() }, 'QUIT'],
        },
        { name: 'QUIT behind an envelope', script: [hello, { pipeline: [from, to, 'QUIT'] }] },
        { name: 'EHLO and an envelope in one packet', script: [{ pipeline: [hello, from, to] }, send, 'QUIT'] },
        {
          name: 'commands behind the dot',
          script: [hello, from, to, { data: plainMessage(), behindDot: `${from}\r\n` }, 'QUIT'],
        },
        { name: 'after HELO', script: ['HELO client.example.org', { pipeline: [from, to] }, 'QUIT'] },
        { name: 'NOOP in the middle', script: [hello, { pipeline: [from, 'NOOP', to] }, 'QUIT'] },
        {
          name: 'a command in two packets',
          script: [
            hello,
            { write: 'MAIL FROM:<sender@', replies: 0 },
            { pause: 50 },
            { write: 'example.org>\r\n', replies: 1 },
            to,
            'QUIT',
          ],
        },
        {
          name: 'what comes before the greeting',
          script: [{ early: `${hello}\r\n` }, { write: '', replies: 1 }, from, to, send, 'QUIT'],
        },
      ],
    },
    {
      name: 'order',
      cases: [
        { name: 'EHLO twice', script: [hello, from, to, 'EHLO other.example.org', to, from, 'QUIT'] },
        { name: 'HELO after EHLO', script: [hello, 'HELO other.example.org', from, to, send, 'QUIT'] },
        { name: 'RSET at any time', script: ['RSET', hello, 'RSET', from, 'RSET', to, 'QUIT'] },
        {
          name: 'MAIL within a transaction',
          script: [hello, from, to, 'MAIL FROM:<other@example.org>', to, send, 'QUIT'],
        },
        { name: 'MAIL without a greeting', script: [from, to, 'DATA', 'QUIT'] },
        { name: 'RCPT without MAIL', script: [hello, to, 'DATA', 'QUIT'] },
        { name: 'DATA without recipients', script: [hello, from, 'DATA', to, send, 'QUIT'] },
        { name: 'a recipient twice', script: [hello, from, to, to, send, 'QUIT'] },
        {
          name: 'three transactions',
          script: [hello, from, to, send, from, to, send, from, 'RCPT TO:<b@example.com>', send, 'QUIT'],
        },
        {
          name: 'a recipient refused, then another',
          script: [hello, from, 'RCPT TO:<a@elsewhere.test>', to, 'RCPT TO:<b@elsewhere.test>', send, 'QUIT'],
        },
      ],
    },
    {
      name: 'words',
      cases: [
        {
          name: 'small letters',
          script: [
            'ehlo Client.Example.ORG',
            'mail from:<sender@example.org>',
            'rcpt to:<user@example.com>',
            'data',
            { write: `${plainMessage()}.\r\n`, replies: 1 },
            'quit',
          ],
        },
        { name: 'unknown commands', script: [hello, 'FOO', 'FOO bar baz', 'EXPN list', 'HELP', 'TURN', 'QUIT'] },
        { name: 'an empty line', script: [hello, '', 'QUIT'] },
        {
          name: 'VRFY and NOOP, with and without arguments',
          script: [hello, 'VRFY user', 'VRFY', 'NOOP', 'NOOP anything', 'QUIT'],
        },
        { name: 'arguments where none belong', script: [hello, 'RSET now', from, to, 'DATA now', 'QUIT now', 'QUIT'] },
        {
          name: 'greetings without a name',
          script: ['EHLO', 'HELO', 'EHLO client.example.org and more', from, 'QUIT'],
        },
        { name: 'an address literal', script: ['EHLO [127.0.0.1]', from, to, 'QUIT'] },
        {
          name: 'many unknown commands',
          script: [hello, ...Array.from({ length: 12 }, (_, at) => `FOO${at}`), 'QUIT'],
        },
        { name: 'a long command', script: [hello, `MAIL FROM:<${'a'.repeat(600)}@example.org>`, from, 'QUIT'] },
        { name: 'octets that are no ASCII', script: [hello, 'MAIL FROM:<ä@example.org>', 'NÖÖP', 'QUIT'] },
        {
          name: 'a TLS handshake in clear',
          script: [{ write: Buffer.from('160301000501020304050d0a', 'hex'), replies: 1 }, 'QUIT'],
        },
      ],
    },
    {
      name: 'addresses',
      cases: [
        { name: 'the null sender', script: [hello, 'MAIL FROM:<>', to, send, 'QUIT'] },
        {
          name: 'a source route',
          script: [
            hello,
            'MAIL FROM:<@a.example,@b.example:sender@example.org>',
            'RCPT TO:<@c.example:user@example.com>',
            send,
            'QUIT',
          ],
        },
        {
          name: 'a quoted local part',
          script: [hello, 'MAIL FROM:<"a b"@example.org>', 'RCPT TO:<"us er"@example.com>', send, 'QUIT'],
        },
        {
          name: 'letters as they are',
          script: [
            hello,
            'MAIL FROM:<Sender@Example.ORG>',
            'RCPT TO:<USER@Example.COM>',
            'RCPT TO:<User@example.com>',
            send,
            'QUIT',
          ],
        },
        { name: 'no brackets', script: [hello, 'MAIL FROM:sender@example.org', 'RCPT TO:user@example.com', 'QUIT'] },
        {
          name: 'spaces',
          script: [hello, 'MAIL FROM: <sender@example.org>', 'RCPT TO: <user@example.com>', send, 'QUIT'],
        },
        {
          name: 'wrong words',
          script: [
            hello,
            'MAIL TO:<a@example.org>',
            'MAIL <a@example.org>',
            'MAIL',
            from,
            'RCPT FROM:<a@example.com>',
            'RCPT',
            'QUIT',
          ],
        },
        {
          name: 'broken addresses',
          script: [
            hello,
            'MAIL FROM:<a@b@example.org>',
            'MAIL FROM:<a@>',
            'MAIL FROM:<a@example.org',
            from,
            'RCPT TO:<@example.com>',
            'RCPT TO:<a b@example.com>',
            'RCPT TO:<>',
            'QUIT',
          ],
        },
        { name: 'postmaster alone', script: [hello, from, 'RCPT TO:<postmaster>', 'QUIT'] },
        {
          name: 'parameters',
          script: [hello, 'MAIL FROM:<sender@example.org> SIZE=1000 BODY=8BITMIME', to, send, 'QUIT'],
        },
        { name: 'a size beyond the limit', script: [hello, 'MAIL FROM:<sender@example.org> SIZE=99999999999', 'QUIT'] },
        { name: 'a parameter that nobody knows', script: [hello, 'MAIL FROM:<sender@example.org> FOO=bar', 'QUIT'] },
        {
          name: 'parameters after HELO',
          script: ['HELO client.example.org', 'MAIL FROM:<sender@example.org> SIZE=100', 'QUIT'],
        },
        {
          name: 'an address beyond ASCII',
          script: [hello, 'MAIL FROM:<jürgen@example.org> SMTPUTF8', 'RCPT TO:<käthe@example.com>', send, 'QUIT'],
        },
      ],
    },
    {
      name: 'messages',
      cases: [
        { name: 'dots', script: [hello, from, to, { data: plainMessage('dots', '.\n..\n...\n.a\na.\n') }, 'QUIT'] },
        {
          name: 'a body of 8-bit octets',
          script: [
            hello,
            from,
            to,
            { data: Buffer.concat([Buffer.from(plainMessage()), Buffer.from('c3a4ff80ff0d0a', 'hex')]) },
            'QUIT',
          ],
        },
        {
          name: 'long lines',
          script: [
            hello,
            from,
            to,
            { data: plainMessage('long', `${'x'.repeat(990)}\n${'y'.repeat(1_200)}\nshort`) },
            'QUIT',
          ],
        },
        {
          name: 'a long header field',
          script: [
            hello,
            from,
            to,
            { data: message([...plainMessage().split('\r\n').slice(0, 5), `X-Long: ${'z'.repeat(900)}`]) },
            'QUIT',
          ],
        },
        {
          name: 'folded fields and strange spaces',
          script: [
            hello,
            from,
            to,
            {
              data: message([
                ...plainMessage().split('\r\n').slice(0, 5),
                'X-Folded: a',
                '\tb',
                '   c',
                'X-Space :d',
                'x-CASE:e',
                'X-Empty:',
              ]),
            },
            'QUIT',
          ],
        },
        {
          name: 'no body',
          script: [hello, from, to, { data: plainMessage().split('\r\n').slice(0, 5).join('\r\n') }, 'QUIT'],
        },
        {
          name: 'a bare line feed',
          script: [hello, from, to, 'DATA', { write: 'Subject: x\r\n\r\na\nb\r\n.\r\n', replies: 1 }, 'QUIT'],
        },
        {
          name: 'a line feed, a dot and an end',
          script: [hello, from, to, 'DATA', { write: 'Subject: x\r\n\r\na\n.\r\nb\r\n.\r\n', replies: 1 }, 'QUIT'],
        },
        {
          name: 'fields that speak of authentication',
          script: [
            hello,
            from,
            to,
            {
              data: message([
                'Authentication-Results: mx.sluice.test; spf=pass',
                ...plainMessage().split('\r\n').slice(0, 5),
              ]),
            },
            'QUIT',
          ],
        },
        {
          name: 'a hundred hops',
          script: [
            hello,
            from,
            to,
            {
              data: message([
                ...Array.from(
                  { length: 101 },
                  (_, at) => `Received: from a${at}.example by b${at}.example; Mon, 30 Nov 2026 09:00:00 +0000`,
                ),
                ...plainMessage().split('\r\n').slice(0, 5),
              ]),
            },
            'QUIT',
          ],
        },
        {
          name: 'a message of a megabyte',
          script: [
            hello,
            from,
            to,
            {
              data: plainMessage(
                'big',
                'A line of seventy characters, more or less, as people write them.\n'.repeat(15_000),
              ),
            },
            'QUIT',
          ],
        },
      ],
    },
    {
      name: 'early ends',
      cases: [
        { name: 'after the greeting', script: [{ leave: 'end' }] },
        { name: 'after the greeting, by a reset', script: [{ leave: 'reset' }] },
        { name: 'after EHLO', script: [hello, { leave: 'end' }] },
        { name: 'after MAIL', script: [hello, from, { leave: 'end' }] },
        { name: 'after MAIL, by a reset', script: [hello, from, { leave: 'reset' }] },
        { name: 'after RCPT', script: [hello, from, to, { leave: 'end' }] },
        { name: 'after DATA', script: [hello, from, to, 'DATA', { leave: 'end' }] },
        {
          name: 'in the middle of a message',
          script: [hello, from, to, 'DATA', { leave: 'end', after: 'Subject: half a mess' }],
        },
        {
          name: 'in the middle of a message, by a reset',
          script: [hello, from, to, 'DATA', { leave: 'reset', after: 'Subject: half a message\r\n\r\nand' }],
        },
        { name: 'in the middle of a command', script: [hello, { leave: 'end', after: 'MAIL FROM:<sen' }] },
        { name: 'after a message', script: [hello, from, to, send, { leave: 'end' }] },
        { name: 'after a refused recipient', script: [hello, from, 'RCPT TO:<a@elsewhere.test>', { leave: 'reset' }] },
      ],
    },
  ],
};

const withMeant = (one: Case): Case => {
  const shows = meant[one.name];
  return shows === undefined ? one : { ...one, shows };
};

/** Sessions that a server may read in more than one way; no plugin but the probe. */
export const protocolEdges: SessionCases = {
  setups: sessions.setups.map((setup) => ({ ...setup, cases: setup.cases.map(withMeant) })),
};
