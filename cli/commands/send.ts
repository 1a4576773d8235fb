import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { uuidv7 } from 'uuidv7';
import type { Client } from '../../admin-api/client/client.ts';
import { getMailLog } from '../../admin-api/routes/mail-logs.ts';
import { createCredential, deleteCredential } from '../../admin-api/routes/smtp-credentials.ts';
import { listUsers } from '../../admin-api/routes/users.ts';
import type { ListenerConfig } from '../../core/config/schema.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import { isFinal } from '../../core/domain/message.ts';
import type { CommandContext } from '../command-context.ts';
import { readPassword } from '../password.ts';
import type { Bind } from '../program.ts';
import { type DialogueLine, SmtpDialogue } from '../smtp-dialogue.ts';
import { printable } from '../text.ts';

interface SendOptions {
  readonly to: string;
  readonly from: string;
  readonly subject: string;
  readonly username?: string;
  readonly password?: string;
  readonly server?: { readonly host: string; readonly port: number };
  readonly tls?: 'starttls' | 'implicit' | 'none';
  readonly insecure?: true;
  readonly wait: boolean;
}

interface Login {
  readonly username: string;
  readonly password: string;
  /** Takes a login back that was made for this one mail. */
  readonly discard?: () => Promise<unknown>;
}

interface Target {
  readonly host: string;
  readonly port: number;
  readonly tls: 'starttls' | 'implicit' | 'none';
}

const loopback = /^(?:127\.|::1$|localhost$)/;

const reachable = ({ address, port, tls }: ListenerConfig): Target => ({
  host: address === '::' || address === '0.0.0.0' ? '127.0.0.1' : address,
  port,
  tls,
});

async function target(context: CommandContext, { server, tls }: SendOptions): Promise<Target> {
  if (server !== undefined) return { ...server, tls: tls ?? (server.port === 465 ? 'implicit' : 'starttls') };
  const { config, file } = await context.configuration();
  const listener = config.smtp.listeners.find(({ enabled }) => enabled);
  if (listener === undefined)
    throw new SluiceError('REQUEST_INVALID', `${file} has no enabled listener; give --server host:port`);
  return reachable(listener);
}

/** Makes a credential for this mail alone; it belongs to whom the token names, or to the first administrator. */
async function temporaryLogin(context: CommandContext, client: Client): Promise<Login> {
  const { items } = await client.call(listUsers, { query: { limit: 200 } });
  const owner = items.find(({ role, enabled }) => role === 'admin' && enabled) ?? items[0];
  if (owner === undefined) {
    throw new SluiceError(
      'NOT_FOUND',
      'there is no user yet whose mail it could be; make one: sluice user add --username me --email me@example.com',
    );
  }
  const body = { name: 'sluice send (temporary)', owner_id: owner.id, daily_quota: 10, hourly_quota: 10 };
  const { id, username, password } = await client.call(createCredential, { body });
  context.output.note(
    `Logging in with a credential made for this mail, owned by ${owner.username}; it is deleted afterwards.`,
  );
  return { username, password, discard: () => client.call(deleteCredential, { params: { id } }) };
}

async function login(context: CommandContext, options: SendOptions, client: () => Promise<Client>): Promise<Login> {
  const { username, password } = options;
  if (username === undefined) return temporaryLogin(context, await client());
  return { username, password: password ?? (await readPassword(context.surroundings, 'once')) };
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

function compose({ from, to, subject }: SendOptions): string {
  const id = uuidv7();
  return [
    `From: <${from}>`,
    `To: <${to}>`,
    `Subject: ${subject}`,
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${id}@${from.slice(from.lastIndexOf('@') + 1)}>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    '',
    'This is a test mail, sent by `sluice send`.',
  ].join('\r\n');
}

/** Speaks the whole dialogue; answers the last reply, on one line. */
async function converse(dialogue: SmtpDialogue, where: Target, who: Login, options: SendOptions): Promise<string> {
  const name = hostname();
  let hello = dialogue.expect(await dialogue.command(`EHLO ${name}`), 'EHLO');
  if (where.tls === 'starttls') {
    dialogue.expect(await dialogue.command('STARTTLS'), 'STARTTLS');
    await dialogue.startTls();
    hello = dialogue.expect(await dialogue.command(`EHLO ${name}`), 'EHLO');
  }
  if (hello.lines.some((line) => /^250[ -]AUTH\b/i.test(line))) {
    const response = base64(`\0${who.username}\0${who.password}`);
    const shown = `AUTH PLAIN [login as ${who.username}; password hidden]`;
    dialogue.expect(await dialogue.command(`AUTH PLAIN ${response}`, shown), 'the login');
  }
  dialogue.expect(await dialogue.command(`MAIL FROM:<${options.from}>`), 'MAIL');
  dialogue.expect(await dialogue.command(`RCPT TO:<${options.to}>`), 'RCPT');
  dialogue.expect(await dialogue.command('DATA'), 'DATA');
  const taken = dialogue.expect(await dialogue.content(compose(options)), 'the message');
  await dialogue.command('QUIT');
  return taken.lines.join(' ');
}

/** Watches the message until all is decided or `milliseconds` have passed; answers its last state. */
async function follow(context: CommandContext, client: Client, id: string, milliseconds: number) {
  const until = Date.now() + milliseconds;
  for (;;) {
    const entry = await client.call(getMailLog, { params: { id } });
    const tried = entry.recipients.every(
      ({ status, attempts }) => status !== null && (isFinal(status) || attempts > 0),
    );
    if (tried || Date.now() >= until) return entry;
    context.output.progress(`waiting for the delivery … ${entry.status}`);
    await wait(200);
  }
}

const marks = { client: '→', server: '←', note: '·' } as const;
const queueId = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/;

async function send(context: CommandContext, options: SendOptions): Promise<void> {
  const { output } = context;
  const lines: DialogueLine[] = [];
  const show = (line: DialogueLine) => {
    lines.push(line);
    if (!output.json)
      output.line(output.paint(line.by === 'client' ? 'cyan' : 'dim', `${marks[line.by]} ${printable(line.text)}`));
  };
  const client = () => context.connect();
  const where = await target(context, options);
  const who = await login(context, options, client);
  let taken: string;
  try {
    const verify = options.insecure !== true && !loopback.test(where.host);
    const dialogue = await SmtpDialogue.open({
      ...where,
      implicitTls: where.tls === 'implicit',
      verify,
      timeoutMilliseconds: 60_000,
      show,
    });
    try {
      taken = await converse(dialogue, where, who, options);
    } finally {
      dialogue.close();
    }
  } finally {
    await who.discard?.();
  }

  const id = queueId.exec(taken)?.[0];
  const own = who.discard !== undefined && id !== undefined && options.wait;
  const entry = own ? await follow(context, await client(), id, 10_000) : null;
  output.progress('');
  output.result({ accepted: true, id: id ?? null, reply: taken, dialogue: lines, message: entry }, () => {
    output.line();
    const outcome = entry?.recipients
      .map(({ status, last_reply }) => [status, last_reply].filter(Boolean).join(': '))
      .join(', ');
    output.line(outcome === undefined ? 'Accepted.' : `Accepted, and ${outcome}.`);
    if (id !== undefined) output.line(`Next: sluice queue show ${id}`);
  });
}

const address = (text: string): string => {
  if (!/^[^\s<>]+@[^\s<>@]+$/.test(text))
    throw new InvalidArgumentError('expected an address such as someone@example.com');
  return text;
};

const oneLine = (text: string): string => {
  if (/[\r\n]/.test(text)) throw new InvalidArgumentError('expected one line');
  return text;
};

const hostAndPort = (text: string): { host: string; port: number } => {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || port === undefined)
    throw new InvalidArgumentError('expected host:port, such as 127.0.0.1:2525');
  return { host, port: Number(port) };
};

export function addSendCommand(program: Command, bind: Bind): void {
  program
    .command('send')
    .description('Send a test mail through the running relay and show the dialogue')
    .requiredOption('-t, --to <address>', 'recipient', address)
    .option('-f, --from <address>', 'sender', address, 'sender@example.com')
    .option('-s, --subject <text>', 'subject', oneLine, 'A test mail from Sluice')
    .option('-u, --username <username>', 'credential to log in with (default: one made for this mail)')
    .option('-p, --password <password>', 'its password; better asked for, or handed in on standard input')
    .option('--server <host:port>', 'where to send to (default: the first listener of the configuration)', hostAndPort)
    .option('--tls <kind>', 'starttls, implicit or none, with --server')
    .option('--insecure', 'take any certificate (on this machine that is so anyhow)')
    .option('--no-wait', 'do not wait to see the mail delivered')
    .action(bind(send));
}
