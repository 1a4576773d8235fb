import { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type FrontEndLab, goodLogin, openLab } from '../../tests/support/front-end-lab.ts';
import { SmtpDialogue } from '../../tests/support/smtp-dialogue.ts';
import { reply } from '../domain/reply.ts';
import { disconnect, reject } from '../pipeline/verdict.ts';

let lab: FrontEndLab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

/** Login without TLS, so that a test is about what it says. */
const clear = [{ tls: 'none', auth_without_tls: true }] as const;

async function loggedIn(port: number): Promise<SmtpDialogue> {
  const client = await SmtpDialogue.open(port);
  await client.expect(250, 'EHLO client.example');
  await client.expect(235, goodLogin);
  return client;
}

describe('a message', () => {
  it('is taken after STARTTLS and login, and answered 250 once it is stored', async () => {
    await using server = await lab.start();
    await using client = await SmtpDialogue.open(server.port);
    await client.expect(250, 'EHLO client.example');
    await client.startTls();
    await client.expect(250, 'EHLO client.example');
    await client.expect(235, goodLogin);
    const sent = await client.send('a@example.com', ['b@example.net'], 'Subject: hello\r\n\r\n..dot\r\nbody');
    const id = /^2\.0\.0 queued as ([0-9a-f-]{36})$/.exec(sent.text)?.[1];
    const [newest] = await lab.accepted();
    expect(newest?.record).toMatchObject({ id, ownerId: 'owner-1', sender: 'a@example.com', subject: 'hello' });
    expect(newest?.record.source).toMatchObject({ listener: 'listener-0', helo: 'client.example' });
    expect(newest?.record.source?.tls).toMatch(/^TLSv1\.[23]$/);
    expect(newest?.record.headerEdits[0]).toMatchObject({ do: 'prepend', name: 'Received' });
    expect(JSON.stringify(newest?.record.headerEdits[0])).toContain(`with ESMTPSA id ${id}`);
    expect(newest?.body).toBe('Subject: hello\r\n\r\n.dot\r\nbody\r\n');
    await client.expect(221, 'QUIT');
    await client.closed();
  });

  it('larger than memory holds is stored as it came', async () => {
    await using server = await lab.start({ listeners: clear });
    await using client = await loggedIn(server.port);
    const body = `Subject: large\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(20_000)}`;
    expect(await client.send('a@example.com', ['b@example.net'], body.slice(0, -2))).toMatchObject({ code: 250 });
    const [newest] = await lab.accepted();
    expect(newest?.record.size).toBe(body.length);
    expect(newest?.body === body).toBe(true);
  });

  it('may follow another on the same connection, many times', async () => {
    await using server = await lab.start({ listeners: clear });
    await using client = await loggedIn(server.port);
    for (let i = 0; i < 20; i++) {
      expect(await client.send('a@example.com', ['b@example.net'], `Subject: ${i}\r\n\r\n`)).toMatchObject({
        code: 250,
      });
    }
  });
});

describe('the EHLO reply', () => {
  const capabilities = async (port: number, tls = false): Promise<string[]> => {
    await using client = await SmtpDialogue.open(port, { tls });
    const [name, ...rest] = (await client.expect(250, 'EHLO client.example')).text.split('\n');
    expect(name).toBe('relay.example');
    return rest;
  };
  const always = ['PIPELINING', 'SIZE 26214400', '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES', 'DSN'];

  it('offers STARTTLS, and AUTH only under TLS; never CHUNKING', async () => {
    await using server = await lab.start();
    expect(await capabilities(server.port)).toEqual([...always, 'STARTTLS']);
    await using client = await SmtpDialogue.open(server.port);
    await client.startTls();
    const secure = (await client.expect(250, 'EHLO client.example')).text.split('\n').slice(1);
    expect(secure).toEqual([...always, 'AUTH PLAIN LOGIN']);
  });

  it('is by listener: implicit TLS, none at all, login in clear', async () => {
    await using server = await lab.start({
      listeners: [
        { name: 'smtps', tls: 'implicit' },
        { name: 'plain', tls: 'none' },
        { name: 'clear', tls: 'starttls', auth_without_tls: true },
      ],
    });
    expect(await capabilities(server.ports.smtps ?? 0, true)).toEqual([...always, 'AUTH PLAIN LOGIN']);
    expect(await capabilities(server.ports.plain ?? 0)).toEqual(always);
    expect(await capabilities(server.ports.clear ?? 0)).toEqual([...always, 'STARTTLS', 'AUTH PLAIN LOGIN']);
  });

  it('may be changed by plugins', async () => {
    await using server = await lab.start({
      handlers: { capabilities: ({ capabilities }) => void capabilities.splice(0, 2, 'X-OWN') },
    });
    expect(await capabilities(server.port)).toEqual(['X-OWN', ...always.slice(2), 'STARTTLS']);
  });
});

describe('commands', () => {
  it.each([
    ['EHLO', 501, '5.5.4'],
    ['EHLO two words', 501, '5.5.4'],
    ['HELO [192.0.2.1]', 250, ''],
    ['ehlo localhost_with_underscore', 250, ''],
    ['MAIL FROM:<a@example.com>', 503, '5.5.1'],
    ['RCPT TO:<a@example.com>', 503, '5.5.1'],
    ['DATA', 503, '5.5.1'],
    ['AUTH PLAIN', 503, '5.5.1'],
    ['NOOP', 250, '2.0.0'],
    ['NOOP with something', 250, '2.0.0'],
    ['noop', 250, '2.0.0'],
    ['RSET', 250, '2.0.0'],
    ['RSET now', 501, '5.5.4'],
    ['QUIT now', 501, '5.5.4'],
    ['VRFY postmaster', 252, '2.5.0'],
    ['VRFY', 501, '5.5.4'],
    ['EXPN list', 502, '5.5.1'],
    ['HELP', 214, '2.0.0'],
    ['WIZ', 500, '5.5.1'],
    ['SHELL', 500, '5.5.1'],
    ['KILL', 500, '5.5.1'],
    ['XCLIENT ADDR=192.0.2.1', 500, '5.5.1'],
    ['XFORWARD ADDR=192.0.2.1', 500, '5.5.1'],
    ['LHLO x', 500, '5.5.1'],
    ['', 500, '5.5.1'],
    ['NOOP \u0001', 500, '5.5.2'],
    [`NOOP ${'x'.repeat(3_000)}`, 500, '5.5.2'],
  ])('%s is answered %i', async (line, code, enhanced) => {
    await using server = await lab.start({ listeners: clear });
    await using client = await SmtpDialogue.open(server.port);
    const answer = await client.command(line);
    expect(answer.code).toBe(code);
    expect(answer.text.startsWith(enhanced)).toBe(true);
    await client.expect(221, 'QUIT');
  });

  it.each([
    ['GET / HTTP/1.1', '421 4.7.0'],
    ['POST /x HTTP/1.0', '421 4.7.0'],
    ['BDAT 20 LAST', '502 5.5.1'],
  ])('%s ends the connection', async (line, expected) => {
    await using server = await lab.start({ listeners: clear });
    await using client = await SmtpDialogue.open(server.port);
    client.write(`${line}\r\nNOOP\r\nNOOP\r\n`);
    await client.closed();
    expect(client.heard.split('\r\n').slice(1).join('\n').startsWith(expected)).toBe(true);
    expect(client.heard).not.toContain('250');
  });

  it('end with CR LF; a bare LF is taken where line ends are normalised', async () => {
    await using server = await lab.start({ listeners: clear });
    await using client = await SmtpDialogue.open(server.port);
    client.write('NOOP\n');
    expect(await client.reply()).toMatchObject({ code: 500, text: expect.stringMatching(/^5\.5\.2 .*CR LF/) });
    await using lenient = await lab.start({ listeners: clear, bareNewlines: 'normalize' });
    await using other = await SmtpDialogue.open(lenient.port);
    other.write('NOOP\n');
    expect(await other.reply()).toMatchObject({ code: 250 });
  });

  it('that are not UTF-8 are refused', async () => {
    await using server = await lab.start({ listeners: clear });
    await using client = await SmtpDialogue.open(server.port);
    client.write(Buffer.from('NOOP \xff\xfe\r\n', 'latin1'));
    expect(await client.reply()).toMatchObject({ code: 500, text: expect.stringContaining('UTF-8') });
  });

  it('arrive in any pieces', async () => {
    await using server = await lab.start({ listeners: clear });
    await using client = await SmtpDialogue.open(server.port);
    for (const octet of 'EHLO client.example\r\nNOOP\r\n') await client.flush(octet);
    expect(await client.reply()).toMatchObject({ code: 250 });
    expect(await client.reply()).toMatchObject({ code: 250, text: '2.0.0 OK' });
  });
});

describe('a transaction', () => {
  it('keeps a recipient given twice once, whatever the case of its domain', async () => {
    const asked: string[] = [];
    await using server = await lab.start({
      listeners: clear,
      handlers: { rcptTo: ({ recipient }) => void asked.push(recipient.text) },
    });
    await using client = await loggedIn(server.port);
    const to = ['b@example.net', 'b@EXAMPLE.net', 'B@example.net', 'b@example.net'];
    expect(await client.send('a@example.com', to, 'Subject: x\r\n\r\n')).toMatchObject({ code: 250 });
    expect(asked).toEqual(['b@example.net', 'B@example.net']);
    const [newest] = await lab.accepted();
    expect(newest?.record.recipients.map(({ address }) => address)).toEqual(['b@example.net', 'B@example.net']);
  });

  it('takes nothing over from a MAIL that was refused', async () => {
    await using server = await lab.start({
      listeners: clear,
      handlers: {
        mailFrom: ({ sender }) => (sender?.local === 'bad' ? reject(reply(550, '5.7.1', 'Not you')) : undefined),
      },
    });
    await using client = await loggedIn(server.port);
    await client.expect(550, 'MAIL FROM:<bad@example.com> SMTPUTF8 BODY=8BITMIME RET=HDRS ENVID=x');
    await client.expect(250, 'MAIL FROM:<a@example.com>');
    await client.expect(553, 'RCPT TO:<jürgen@example.net>');
    await client.expect(250, 'RCPT TO:<b@example.net>');
    await client.expect(354, 'DATA');
    client.write('Subject: x\r\n\r\n.\r\n');
    expect(await client.reply()).toMatchObject({ code: 250 });
    const [newest] = await lab.accepted();
    expect(newest?.record.parameters).toEqual({});
  });

  it('keeps its DSN parameters as received', async () => {
    await using server = await lab.start({ listeners: clear });
    await using client = await loggedIn(server.port);
    await client.expect(250, 'MAIL FROM:<> RET=HDRS ENVID=a+2Bb SMTPUTF8 BODY=8BITMIME SIZE=100');
    await client.expect(250, 'RCPT TO:<jürgen@bücher.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x+40y.example');
    await client.expect(354, 'DATA');
    client.write('Subject: ü\r\n\r\n.\r\n');
    expect(await client.reply()).toMatchObject({ code: 250 });
    const [newest] = await lab.accepted();
    expect(newest?.record).toMatchObject({
      sender: '',
      parameters: { ret: 'HDRS', envid: 'a+2Bb', smtputf8: true, body: '8BITMIME' },
      recipients: [
        {
          address: 'jürgen@bücher.example',
          domain: 'xn--bcher-kva.example',
          parameters: { notify: ['SUCCESS', 'DELAY'], orcpt: 'rfc822;x+40y.example' },
        },
      ],
    });
  });

  it('is one at a time, and needs its commands in order', async () => {
    await using server = await lab.start({ listeners: clear });
    await using client = await loggedIn(server.port);
    await client.expect(503, 'RCPT TO:<b@example.net>');
    await client.expect(503, 'DATA');
    await client.expect(250, 'MAIL FROM:<a@example.com>');
    await client.expect(503, 'MAIL FROM:<a@example.com>');
    await client.expect(503, 'DATA');
    await client.expect(250, 'RCPT TO:<b@example.net>');
    await client.expect(250, 'RSET');
    await client.expect(503, 'RCPT TO:<b@example.net>');
    await client.expect(250, 'MAIL FROM:<a@example.com>');
    await client.expect(250, 'EHLO client.example');
    await client.expect(503, 'DATA');
  });

  it('without one accepted recipient cannot go on to DATA', async () => {
    await using server = await lab.start({
      listeners: clear,
      handlers: { rcptTo: () => reject(reply(550, '5.1.1', 'No such user')) },
    });
    await using client = await loggedIn(server.port);
    client.write('MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nDATA\r\nQUIT\r\n');
    expect((await client.reply()).code).toBe(250);
    expect((await client.reply()).code).toBe(550);
    expect(await client.reply()).toMatchObject({ code: 554, text: expect.stringMatching(/^5\.5\.1/) });
    expect((await client.reply()).code).toBe(221);
  });
});

describe('replies', () => {
  it('of plugins go out as they are, on as many lines as they have; the cause stays here', async () => {
    await using server = await lab.start({
      listeners: clear,
      handlers: {
        mailFrom: () => reject(reply(550, '5.7.25', ['First line', 'second line'], new Error('private'))),
      },
    });
    await using client = await loggedIn(server.port);
    await client.expect(550, 'MAIL FROM:<a@example.com>');
    expect(client.heard.split('\r\n').slice(-3)).toEqual(['550-5.7.25 First line', '550 5.7.25 second line', '']);
    expect(client.heard).not.toContain('private');
    expect(JSON.stringify(server.logged)).toContain('private');
  });

  it('to pipelined commands go out in one write', async () => {
    await using server = await lab.start({ listeners: clear });
    await using client = await loggedIn(server.port);
    const write = vi.spyOn(Socket.prototype, 'write');
    client.write('MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nRCPT TO:<c@example.net>\r\nDATA\r\n');
    for (const code of [250, 250, 250, 354]) expect((await client.reply()).code).toBe(code);
    const replies = write.mock.calls.filter(([text]) => /^\d{3} /.test(String(text)));
    write.mockRestore();
    expect(replies.map(([text]) => String(text).split('\r\n').length - 1)).toEqual([4]);
    client.write('Subject: x\r\n\r\n.\r\nMAIL FROM:<a@example.com>\r\nRSET\r\nQUIT\r\n');
    for (const code of [250, 250, 250, 221]) expect((await client.reply()).code).toBe(code);
  });

  it('disconnect where a plugin wants it, at any command', async () => {
    await using server = await lab.start({
      listeners: clear,
      handlers: { helo: () => disconnect(reply(554, '5.7.1', 'Go away')) },
    });
    await using client = await SmtpDialogue.open(server.port);
    client.write('EHLO x\r\nNOOP\r\n');
    expect(await client.reply()).toEqual({ code: 554, text: '5.7.1 Go away' });
    await client.closed();
    expect(client.heard).not.toContain('250');
  });
});
