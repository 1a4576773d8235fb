import { setTimeout as wait } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Client } from '../../admin-api/client/client.ts';
import { getMe } from '../../admin-api/routes/auth.ts';
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
import { type Login, sendTestMail, type TestMail } from '../test-mail.ts';
import { printable } from '../text.ts';

interface SendOptions extends TestMail {
  readonly username?: string;
  readonly password?: string;
  readonly server?: { readonly host: string; readonly port: number };
  readonly tls?: 'starttls' | 'implicit' | 'none';
  readonly insecure?: true;
  readonly wait: boolean;
}

/** `discard` takes a login back that was made for this one mail. */
type GivenLogin = Login & { readonly discard?: () => Promise<unknown> };

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

/** Whose test mail it is: whom the token names; on the control socket, which is nobody's, the first administrator's. */
async function mailOwner(client: Client): Promise<{ readonly id: string; readonly username: string }> {
  try {
    return await client.call(getMe);
  } catch (error) {
    if (!(error instanceof SluiceError && error.code === 'NOT_FOUND')) throw error;
  }
  const { items } = await client.call(listUsers, { query: { limit: 200 } });
  const owner = items.find(({ role, enabled }) => role === 'admin' && enabled) ?? items[0];
  if (owner !== undefined) return owner;
  throw new SluiceError(
    'NOT_FOUND',
    'there is no user yet whose mail it could be; make one: sluice user add --username me --email me@example.com',
  );
}

/** Makes a credential for this mail alone. */
async function temporaryLogin(context: CommandContext, client: Client): Promise<GivenLogin> {
  const owner = await mailOwner(client);
  const body = { name: 'sluice send (temporary)', owner_id: owner.id, daily_quota: 10, hourly_quota: 10 };
  const { id, username, password } = await client.call(createCredential, { body });
  context.output.note(
    `Logging in with a credential made for this mail, owned by ${owner.username}; it is deleted afterwards.`,
  );
  return { username, password, discard: () => client.call(deleteCredential, { params: { id } }) };
}

async function login(
  context: CommandContext,
  options: SendOptions,
  client: () => Promise<Client>,
): Promise<GivenLogin> {
  const { username, password } = options;
  if (username === undefined) return temporaryLogin(context, await client());
  return { username, password: password ?? (await readPassword(context.surroundings, 'once')) };
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
      taken = await sendTestMail(dialogue, options, { startTls: where.tls === 'starttls', login: who });
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
    .addOption(new Option('--tls <kind>', 'with --server').choices(['starttls', 'implicit', 'none']))
    .option('--insecure', 'take any certificate (on this machine that is so anyhow)')
    .option('--no-wait', 'do not wait to see the mail delivered')
    .action(bind(send));
}
