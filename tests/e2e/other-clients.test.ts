import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCredential, registerFirst, type SmtpCredential } from '../support/api-client.ts';
import { runChild } from '../support/child.ts';
import { describeWith } from '../support/describe-with.ts';
import { freePort } from '../support/free-port.ts';
import { type Postfix, startPostfix } from '../support/postfix.ts';
import { type Sluice, startSluice } from '../support/process.ts';
import { waitFor } from '../support/wait-for.ts';
import { openOpenssl } from './support/openssl-session.ts';
import { relayTo } from './support/relay-to.ts';

/* What a person has at hand to send mail with, each in its own way of TLS and login, until it lies in a mailbox. */

const sender = 'sender@example.com';
const recipient = 'recipient@example.com';
/** Dots at the start of lines, empty lines at both ends, a long line, octets beyond ASCII, blanks at the end of a line. */
const body = ['', '.', '..two', '.three', 'Grüße, 你好', 'x'.repeat(900), 'blank at the end ', '', 'last', ''].join(
  '\r\n',
);
const message = (subject: string) =>
  [
    `From: <${sender}>`,
    `To: <${recipient}>`,
    `Subject: ${subject}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    body,
  ].join('\r\n');

interface Target {
  starttls: number;
  smtps: number;
  credential: SmtpCredential;
  /** Holds the message, as octets on the wire before dot-stuffing. */
  file: string;
  message: string;
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

const run = async (command: string, args: readonly string[]): Promise<void> => {
  const { code, stdout, stderr } = await runChild(command, args);
  expect(code, `${stdout}${stderr}`).toBe(0);
};

const swaks = async ({ credential, file, message: text }: Target, args: readonly string[]) => {
  // It ends the last line itself.
  await writeFile(file, text.replace(/\r\n$/, ''));
  await run('swaks', [
    ...['--server', '127.0.0.1', '--from', sender, '--to', recipient, '--data', `@${file}`],
    ...['--auth-user', credential.username, '--auth-password', credential.password, ...args],
  ]);
};

const curl = ({ credential, file }: Target, url: string, args: readonly string[]) =>
  run('curl', [
    ...['-sS', '-k', '--ssl-reqd', '--url', url, '--mail-from', sender, '--mail-rcpt', recipient],
    ...['--upload-file', file, '--user', `${credential.username}:${credential.password}`, ...args],
  ]);

const nodemailer = async ({ credential, message: raw }: Target, port: number, secure: boolean, authMethod: string) => {
  const transport = createTransport({
    host: '127.0.0.1',
    port,
    secure,
    requireTLS: !secure,
    authMethod,
    auth: { user: credential.username, pass: credential.password },
    tls: { rejectUnauthorized: false },
  });
  try {
    await transport.sendMail({ envelope: { from: sender, to: recipient }, raw });
  } finally {
    transport.close();
  }
};

const openssl = async (target: Target, port: number, args: readonly string[], login: 'LOGIN' | 'PLAIN') => {
  const { username, password } = target.credential;
  await using person = await openOpenssl(port, args);
  // openssl itself reads the greeting of a STARTTLS session, and shows the reply to its own EHLO elsewhere.
  if (!args.includes('-starttls')) await person.say('', 220);
  await person.say('EHLO person.test\r\n', 250);
  if (login === 'LOGIN') {
    await person.say('AUTH LOGIN\r\n', 334);
    await person.say(`${base64(username)}\r\n`, 334);
    await person.say(`${base64(password)}\r\n`, 235);
  } else {
    await person.say('AUTH PLAIN\r\n', 334);
    await person.say(`${base64(`\0${username}\0${password}`)}\r\n`, 235);
  }
  await person.say(`MAIL FROM:<${sender}> BODY=8BITMIME\r\n`, 250);
  await person.say(`RCPT TO:<${recipient}>\r\n`, 250);
  await person.say('DATA\r\n', 354);
  const stuffed = Buffer.from(target.message.replaceAll('\r\n.', '\r\n..')).toString('latin1');
  await person.say(`${stuffed}.\r\n`, 250);
  await person.say('QUIT\r\n', 221);
};

const clients: Readonly<Record<string, (target: Target) => Promise<void>>> = {
  'swaks, STARTTLS, AUTH LOGIN': (t) => swaks(t, ['--port', `${t.starttls}`, '--tls', '--auth', 'LOGIN']),
  'swaks, STARTTLS, AUTH PLAIN with initial response': (t) =>
    swaks(t, ['--port', `${t.starttls}`, '--tls', '--auth', 'PLAIN']),
  'swaks, TLS at once, AUTH LOGIN': (t) => swaks(t, ['--port', `${t.smtps}`, '--tls-on-connect', '--auth', 'LOGIN']),
  'curl, STARTTLS, AUTH PLAIN without initial response': (t) =>
    curl(t, `smtp://127.0.0.1:${t.starttls}/person.test`, ['--login-options', 'AUTH=PLAIN']),
  'curl, STARTTLS, AUTH LOGIN with initial response': (t) =>
    curl(t, `smtp://127.0.0.1:${t.starttls}/person.test`, ['--login-options', 'AUTH=LOGIN', '--sasl-ir']),
  'curl, smtps://': (t) => curl(t, `smtps://127.0.0.1:${t.smtps}/person.test`, []),
  'nodemailer, STARTTLS, AUTH PLAIN': (t) => nodemailer(t, t.starttls, false, 'PLAIN'),
  'nodemailer, TLS at once, AUTH LOGIN': (t) => nodemailer(t, t.smtps, true, 'LOGIN'),
  'openssl s_client -starttls smtp, AUTH LOGIN by hand': (t) => openssl(t, t.starttls, ['-starttls', 'smtp'], 'LOGIN'),
  'openssl s_client, TLS at once, AUTH PLAIN by hand': (t) => openssl(t, t.smtps, [], 'PLAIN'),
};

describeWith(['postfix', 'curl', 'openssl', 'swaks'], 'mail of any client', () => {
  let postfix: Postfix;
  let relay: Sluice;
  let credential: SmtpCredential;
  let smtps: number;

  beforeAll(async () => {
    postfix = await startPostfix();
    smtps = await freePort();
    relay = await startSluice({
      configure: (config) => {
        const listeners = [...(config.smtp?.listeners ?? [])];
        listeners.push({ name: 'smtps', address: '127.0.0.1', port: smtps, tls: 'implicit' });
        return relayTo(postfix.port, { ...config, smtp: { ...config.smtp, listeners } });
      },
    });
    credential = await createCredential(await registerFirst(relay.api));
  });
  afterAll(async () => {
    await relay?.stop();
    await postfix?.stop();
  });

  test.each(Object.keys(clients))('%s: delivered with every octet of its body', async (name) => {
    const file = join(relay.folder, 'message.eml');
    const text = message(name);
    await writeFile(file, text);
    await clients[name]?.({ starttls: relay.ports.smtp, smtps, credential, file, message: text });

    const [mail, ...others] = await waitFor('the mail in the mailbox', async () => {
      const found = (await postfix.mailbox()).filter(({ raw }) => raw.includes(`\nSubject: ${name}\n`));
      return found.length > 0 ? found : undefined;
    });
    expect(others).toEqual([]);
    expect(mail).toMatchObject({ sender, recipient });
    const raw = mail?.raw.toString() ?? '';
    // A Maildir has LF for CRLF.
    expect(raw.slice(raw.indexOf('\n\n') + 2)).toBe(body.replaceAll('\r\n', '\n'));
  });
});
