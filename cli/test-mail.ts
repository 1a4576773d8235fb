import { hostname } from 'node:os';
import { uuidv7 } from 'uuidv7';
import type { SmtpDialogue } from './smtp-dialogue.ts';

export interface TestMail {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
}

/** Whom to log in as. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

function compose({ from, to, subject }: TestMail): string {
  return [
    `From: <${from}>`,
    `To: <${to}>`,
    `Subject: ${subject}`,
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${uuidv7()}@${from.slice(from.lastIndexOf('@') + 1)}>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    '',
    'This is a test mail, sent by `sluice send`.',
  ].join('\r\n');
}

/**
 * Speaks the whole dialogue, from EHLO to QUIT; answers the reply to the message, on one line. Throws `MAIL_REFUSED` or
 * `MAIL_DEFERRED` at the first refusal.
 */
export async function sendTestMail(
  dialogue: SmtpDialogue,
  mail: TestMail,
  options: { readonly startTls: boolean; readonly login: Login },
): Promise<string> {
  const name = hostname();
  const { username, password } = options.login;
  let hello = dialogue.expect(await dialogue.command(`EHLO ${name}`), 'EHLO');
  if (options.startTls) {
    dialogue.expect(await dialogue.command('STARTTLS'), 'STARTTLS');
    await dialogue.startTls();
    hello = dialogue.expect(await dialogue.command(`EHLO ${name}`), 'EHLO');
  }
  if (hello.lines.some((line) => /^250[ -]AUTH\b/i.test(line))) {
    const response = Buffer.from(`\0${username}\0${password}`).toString('base64');
    const shown = `AUTH PLAIN [login as ${username}; password hidden]`;
    dialogue.expect(await dialogue.command(`AUTH PLAIN ${response}`, shown), 'the login');
  }
  dialogue.expect(await dialogue.command(`MAIL FROM:<${mail.from}>`), 'MAIL');
  dialogue.expect(await dialogue.command(`RCPT TO:<${mail.to}>`), 'RCPT');
  dialogue.expect(await dialogue.command('DATA'), 'DATA');
  const taken = dialogue.expect(await dialogue.content(compose(mail)), 'the message');
  await dialogue.command('QUIT');
  return taken.lines.join(' ');
}
