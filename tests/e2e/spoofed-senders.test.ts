import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Account, createCredential, registerFirst, type SmtpCredential } from '../support/api-client.ts';
import { type Sluice, startSluice } from '../support/process.ts';
import { type ServerReply, SmtpDialogue } from '../support/smtp-dialogue.ts';

/*
 * Who may send what, from outside: nobody relays without a login, and a credential that is bound to example.com sends
 * as nobody else, in whatever form it is tried. Whatever gets through would lie in the capture box.
 */

let relay: Sluice;
let account: Account;
let credential: SmtpCredential;
let client: SmtpDialogue;

beforeAll(async () => {
  relay = await startSluice({
    configure: (config) => ({ ...config, smtp: { listeners: [], ...config.smtp, limits: { errors: 100_000 } } }),
  });
  account = await registerFirst(relay.api);
  credential = await createCredential(account, { domains: ['example.com', 'bücher.example'] });
  client = await SmtpDialogue.open(relay.ports.smtp);
  await client.expect(250, 'EHLO client.test');
  await client.startTls();
  await client.expect(250, 'EHLO client.test');
  expect((await client.login(credential.username, credential.password)).code).toBe(235);
});
afterAll(async () => {
  client?.destroy();
  await relay?.stop();
});

/** A whole transaction with these commands; ends it, and answers the first reply that was a refusal, or the last one. */
const attempt = async (dialogue: SmtpDialogue, mail: string, rcpt: string, header?: string): Promise<ServerReply> => {
  let answer = await dialogue.command(mail);
  if (answer.code === 250) answer = await dialogue.command(rcpt);
  if (answer.code === 250 && header !== undefined) answer = await dialogue.command('DATA');
  if (answer.code === 354) return dialogue.command(`${header}\r\nSubject: probe\r\n\r\nprobe\r\n.`);
  await dialogue.expect(250, 'RSET');
  return answer;
};

const from = (header: string) => attempt(client, 'MAIL FROM:<me@example.com>', 'RCPT TO:<you@example.org>', header);

describe('without a login', () => {
  const local = [
    'victim',
    '"victim"',
    'victim%evil.test',
    'evil.test!victim',
    '"victim@evil.test"',
    'postmaster',
    'a+b',
  ];
  const domains = ['example.org', '[192.0.2.1]', '[IPv6:2001:db8::1]', 'localhost', 'relay.test', '[127.0.0.1]'];
  const recipients = [
    ...local.flatMap((name) => domains.map((domain) => `<${name}@${domain}>`)),
    '<@relay.test:victim@example.org>',
    '<@relay.test,@evil.test:victim@example.org>',
    '<victim@example.org@relay.test>',
    '<victim%example.org>',
    '<example.org!victim>',
    '<victim>',
    '<postmaster>',
    'victim@example.org',
    '<"victim@example.org">',
    '<"victim%example.org"@relay.test>',
    '<victim@[example.org]>',
  ];
  const senders = ['<me@example.com>', '<>', '<root@relay.test>', '<me@localhost>'];
  const probes = senders.flatMap((sender) => recipients.map((recipient) => [sender, recipient] as const));

  test(`${probes.length} forms of sender and recipient are refused, in clear and under TLS`, async () => {
    expect(probes.length).toBeGreaterThanOrEqual(200);
    for (const tls of [false, true]) {
      await using stranger = await SmtpDialogue.open(relay.ports.smtp);
      await stranger.expect(250, 'EHLO client.test');
      if (tls) {
        await stranger.startTls();
        await stranger.expect(250, 'EHLO client.test');
      }
      for (const [sender, recipient] of probes) {
        const answer = await attempt(stranger, `MAIL FROM:${sender}`, `RCPT TO:${recipient}`, 'From: me@example.com');
        expect([sender, recipient, answer.code >= 500]).toEqual([sender, recipient, true]);
      }
    }
  });
});

describe('an envelope sender', () => {
  test.each(['me@example.com', 'me@EXAMPLE.Com', 'me@xn--bcher-kva.example', '"m e"@example.com'])(
    '%s of its own domains is taken',
    async (sender) => {
      const answer = await attempt(client, `MAIL FROM:<${sender}>`, 'RCPT TO:<you@example.org>');
      expect(answer.code, answer.text).toBe(250);
    },
  );

  test.each([
    ...['ceo@evil.test', 'me@evil-example.com', 'me@example.com.evil.test', 'me@sub.example.com', 'me@example.co'],
    ...['me@examplecom', 'me@example.com.', 'me@.example.com', 'me@example..com', '"me@example.com"@evil.test'],
    ...['me@[192.0.2.1]', 'me@[example.com]', 'me%example.com@evil.test', 'evil.test!me@example.com'],
    ...['@evil.test:me@example.com', 'me@example.com@evil.test', 'me@evil.test,me@example.com', 'me', '', 'postmaster'],
    ...[
      'me@buecher.example',
      'me@xn--bcher-kva.example.evil.test',
      'me@example.com>x',
      'me@example.com <ceo@evil.test',
    ],
  ])('%j is refused', async (sender) => {
    const answer = await attempt(client, `MAIL FROM:<${sender}>`, 'RCPT TO:<you@example.org>');
    expect(answer.code, answer.text).toBeGreaterThanOrEqual(500);
  });
});

describe('a header', () => {
  test.each([
    ['From: me@example.com'],
    ['From: "CEO, Evil" <me@example.com>'],
    ['From: Me <me@example.com>,\r\n You <you@B\u00dcCHER.example>\r\nSender: me@example.com'],
    ['From: Us: me@example.com, you@example.com;'],
    ['From: me@example.com (ceo@evil.test)'],
    ['From: =?utf-8?q?J=C3=BCrgen?= <me@example.com>'],
    ['From: me@example.com\r\nReply-To: you@anywhere.test'],
  ])('%j is taken', async (header) => {
    const answer = await from(header);
    expect(answer.code, answer.text).toBe(250);
  });

  const evil = ['ceo@evil.test', 'ceo@evil-example.com', 'ceo@example.com.evil.test', 'ceo@sub.example.com'];
  test.each(
    evil.flatMap((address) => [
      `From: ${address}`,
      `FROM: CEO <${address}>`,
      `from :\t<${address}>`,
      `From:\r\n ${address}`,
      `From: me@example.com,\r\n\t${address}`,
      `From: ${address}, me@example.com`,
      `From: Us: me@example.com, CEO <${address}>;`,
      `From: me@example.com\r\nFrom: ${address}`,
      `From: ${address}\r\nFrom: me@example.com`,
      `From: me@example.com\r\nSender: ${address}`,
      `From: me@example.com\r\nSender: me@example.com\r\nSENDER: ${address}`,
      `From: ${address} (me@example.com)`,
      `From: (me@example.com) ${address}`,
      `From: "me@example.com" <${address}>`,
      `From: me@example.com <${address}>`,
      `From: <me@example.com> <${address}>`,
      `From: ${address} <me@example.com>`,
      `From: "${address}"@example.com`,
      `From: <"${address}"@example.com>`,
      `From: <@evil.test:${address}>`,
      `From: =?utf-8?q?${address.replace('@', '=40')}?=`,
      `From: =?utf-8?b?${Buffer.from(address).toString('base64')}?=`,
      `From: =?utf-8?q?${address.replace('@', '=40')}=3E?= <me@example.com>`,
      `From: =?utf-8?q?me=40example.com?= <${address}>`,
      `From: ${address}@example.com`,
      `From: me@example.com, ${address}, you@example.com`,
      `From: me@example.com;${address}`,
      `From: "open <me@example.com>, ${address}`,
      `From: (open me@example.com, ${address}`,
      `Subject: no From at all, ${address}`,
      `no header\r\nFrom: ${address}`,
    ]),
  )('%j is refused', async (header) => {
    const answer = await from(header);
    expect(answer.code, answer.text).toBeGreaterThanOrEqual(500);
  });
});

test('nothing but what was taken has been stored', async () => {
  const answer = await account.call('GET', '/api/mail-logs?limit=100&status=captured');
  const rows = JSON.stringify(answer.body);
  expect(answer.status, rows).toBe(200);
  expect(rows.match(/"sender":"[^"]*"/g)).toEqual(Array(7).fill('"sender":"me@example.com"'));
});
