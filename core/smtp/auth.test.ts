import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runChild } from '../../tests/support/child.ts';
import {
  type FrontEndLab,
  type FrontEndOptions,
  goodLogin,
  identity,
  openLab,
} from '../../tests/support/front-end-lab.ts';
import { runPython } from '../../tests/support/python.ts';
import { SmtpDialogue } from '../../tests/support/smtp-dialogue.ts';
import { reply } from '../domain/reply.ts';
import { accept, defer, disconnect } from '../pipeline/verdict.ts';

let lab: FrontEndLab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const clear = [{ tls: 'none', auth_without_tls: true }] as const;
const encode = (text: string): string => Buffer.from(text).toString('base64');

async function greeted(port: number): Promise<SmtpDialogue> {
  const client = await SmtpDialogue.open(port);
  await client.expect(250, 'EHLO client.example');
  return client;
}

/** Sends the lines one after the other, and answers the codes they got. */
async function codes(options: FrontEndOptions, lines: readonly string[]): Promise<number[]> {
  await using server = await lab.start({ listeners: clear, ...options });
  await using client = await greeted(server.port);
  const got: number[] = [];
  for (const line of lines) got.push((await client.command(line)).code);
  return got;
}

describe('AUTH', () => {
  it.each([
    ['PLAIN at once', [goodLogin], [235]],
    ['PLAIN by challenge', ['AUTH PLAIN', encode('\0user\0secret')], [334, 235]],
    ['PLAIN that names itself twice', [`auth plain ${encode('user\0user\0secret')}`], [235]],
    ['PLAIN with the name in the first field only', [`AUTH PLAIN ${encode('user\0\0secret')}`], [235]],
    ['LOGIN by challenge', ['AUTH LOGIN', encode('user'), encode('secret')], [334, 334, 235]],
    ['LOGIN with the name at once', [`AUTH LOGIN ${encode('user')}`, encode('secret')], [334, 235]],
    ['a wrong password', [`AUTH PLAIN ${encode('\0user\0wrong')}`, goodLogin], [535, 235]],
    ['somebody else', [`AUTH PLAIN ${encode('admin\0user\0secret')}`], [535]],
    ['cancelled', ['AUTH LOGIN', '*', 'NOOP'], [334, 501, 250]],
    ['cancelled at the password', ['AUTH LOGIN', encode('user'), '*', 'NOOP'], [334, 334, 501, 250]],
    ['an empty initial response', ['AUTH PLAIN =', 'NOOP'], [501, 250]],
    ['no base64', ['AUTH PLAIN not-base64!', 'AUTH PLAIN', 'dXNlcg', 'NOOP'], [501, 334, 501, 250]],
    ['too few fields', [`AUTH PLAIN ${encode('user\0secret')}`], [501]],
    ['a name with a line break', [`AUTH PLAIN ${encode('\0us\ner\0secret')}`], [501]],
    ['an empty name', [`AUTH PLAIN ${encode('\0\0secret')}`], [501]],
    ['an unknown mechanism', ['AUTH CRAM-MD5', 'AUTH', 'AUTH XOAUTH2 x'], [504, 504, 504]],
    ['too many words', ['AUTH PLAIN a b'], [501]],
    ['twice', [goodLogin, goodLogin], [235, 503]],
    ['within a transaction', ['MAIL FROM:<a@example.com>', goodLogin, 'RSET', goodLogin], [250, 503, 250, 235]],
  ])('%s', async (_name, lines, expected) => {
    const open = [{ ...clear[0], require_login: false }];
    expect(await codes({ listeners: open }, lines)).toEqual(expected);
  });

  it('in clear is refused, not offered, and its secret is not read', async () => {
    const asked: string[] = [];
    await using server = await lab.start({
      handlers: { auth: ({ credentials }) => void asked.push(credentials.username) },
    });
    await using client = await greeted(server.port);
    expect(await client.command(goodLogin)).toMatchObject({ code: 538, text: expect.stringMatching(/^5\.7\.11 /) });
    expect(client.heard).not.toContain('AUTH');
    expect(asked).toEqual([]);
  });

  it('is unavailable where a listener has no TLS', async () => {
    expect(await codes({ listeners: [{ tls: 'none' }] }, [goodLogin])).toEqual([503]);
  });

  it('ends the connection after so many failures', async () => {
    await using server = await lab.start({ listeners: clear, limits: { auth_failures: 3 } });
    await using client = await greeted(server.port);
    const wrong = `AUTH PLAIN ${encode('\0user\0wrong')}\r\n`;
    client.write(wrong.repeat(5));
    for (let i = 0; i < 3; i++) expect((await client.reply()).code).toBe(535);
    expect(await client.reply()).toMatchObject({
      code: 421,
      text: expect.stringMatching(/^4\.7\.0 Too many failed logins/),
    });
    await client.closed();
    expect(client.heard.match(/^535/gm)).toHaveLength(3);
  });

  it('does not count a temporary failure against the client', async () => {
    await using server = await lab.start({
      listeners: clear,
      limits: { auth_failures: 1 },
      handlers: { auth: () => defer(reply(454, '4.7.0', 'Come back')) },
    });
    await using client = await greeted(server.port);
    await client.expect(454, goodLogin);
    await client.expect(250, 'NOOP');
  });

  it('answers as the plugin says, waits for it, and disconnects if told to', async () => {
    const asked = Promise.withResolvers<void>();
    const checked = Promise.withResolvers<void>();
    const later = async () => {
      asked.resolve();
      await checked.promise;
      return accept(identity);
    };
    await using server = await lab.start({
      listeners: clear,
      handlers: {
        auth: ({ credentials }) =>
          credentials.password === 'later' ? later() : disconnect(reply(535, '5.7.8', 'Never')),
      },
    });
    await using client = await greeted(server.port);
    client.write(`AUTH PLAIN ${encode('\0user\0later')}\r\nNOOP\r\n`);
    await asked.promise;
    expect(client.heard).not.toContain('235');
    checked.resolve();
    expect((await client.reply()).code).toBe(235);
    expect((await client.reply()).code).toBe(250);
    await using other = await greeted(server.port);
    expect(await other.command(`AUTH PLAIN ${encode('\0user\0x')}`)).toEqual({ code: 535, text: '5.7.8 Never' });
    await other.closed();
  });

  it('never puts a secret into the log', async () => {
    await using server = await lab.start({ listeners: clear });
    await using client = await greeted(server.port);
    await client.expect(334, 'AUTH LOGIN');
    await client.expect(334, encode('user'));
    await client.expect(535, encode('planted-password'));
    await client.expect(535, `AUTH PLAIN ${encode('\0user\0planted-password')}`);
    await client.expect(501, `AUTH PLAIN ${encode('\0user\0planted-password')}!`);
    const log = JSON.stringify(server.logged);
    expect(log).toContain('535 5.7.8');
    for (const secret of ['planted-password', encode('planted-password'), encode('\0user\0planted-password')]) {
      expect(log).not.toContain(secret);
    }
  });
});

describe('clients of others', () => {
  const script = `
import smtplib, ssl, sys
from email.mime.text import MIMEText
context = ssl._create_unverified_context()
for method in ('auth_plain', 'auth_login'):
    for initial in (True, False):
        server = smtplib.SMTP('127.0.0.1', int(sys.argv[1]))
        server.starttls(context=context)
        server.ehlo()
        server.user, server.password = 'user', 'secret'
        server.auth(method[5:].upper(), getattr(server, method), initial_response_ok=initial)
        message = MIMEText('hello')
        message['Subject'] = method
        message['From'] = 'sender@example.com'
        message['To'] = 'recipient@example.com'
        server.send_message(message)
        server.quit()
with smtplib.SMTP_SSL('127.0.0.1', int(sys.argv[2]), context=context) as server:
    server.login('user', 'secret')
    server.sendmail('a@example.com', ['b@example.com'], '.\\r\\n..\\r\\n')
print('all sent')
`;

  it("send and log in: Python's smtplib", async () => {
    await using server = await lab.start({ listeners: [{ name: 'a' }, { name: 'b', tls: 'implicit' }] });
    const { stdout, stderr } = await runPython(script, [String(server.ports.a), String(server.ports.b)]);
    expect(stderr).toBe('');
    expect(stdout).toContain('all sent');
    const [newest] = await lab.accepted();
    expect(newest?.body).toBe('.\r\n..\r\n');
  });

  it('send and log in: openssl s_client', async () => {
    await using server = await lab.start();
    const input = [
      'EHLO x',
      goodLogin,
      'MAIL FROM:<a@example.com>',
      'RCPT TO:<b@example.com>',
      'DATA',
      'Subject: x',
      '',
      '.',
      'QUIT',
      '',
    ];
    const args = ['s_client', '-quiet', '-crlf', '-starttls', 'smtp', '-connect', `127.0.0.1:${server.port}`];
    const { stdout } = await runChild('openssl', args, { input: input.join('\n') });
    expect(stdout).toMatch(/^235 2\.7\.0/m);
    expect(stdout).toMatch(/^250 2\.0\.0 queued as/m);
    expect(stdout).toMatch(/^221 2\.0\.0/m);
  });
});
