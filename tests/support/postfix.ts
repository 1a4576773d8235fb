import { chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runChild, startChild } from './child.ts';
import { freePort } from './free-port.ts';
import { type DeliveredMail, readMaildir } from './maildir.ts';
import { catchAll, mainCf, masterCf, type PostfixFolders } from './postfix-config.ts';
import { selfSigned } from './self-signed.ts';
import { greeting } from './tcp-ready.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { waitFor } from './wait-for.ts';

export interface PostfixOptions {
  /** Any settings of main.cf, such as `{ smtpd_forbid_bare_newline: 'normalize' }`; they win over ours. */
  settings?: Readonly<Record<string, string>>;
  /** Offers STARTTLS with a self-signed certificate for localhost. */
  tls?: boolean;
  /** host:port to relay everything to; default: everything is delivered into the mailbox. */
  relayTo?: string;
  /** Folder in which its own is made, for a queue on a certain disk; default: that of the system. */
  parent?: string;
}

export interface Postfix extends AsyncDisposable {
  readonly port: number;
  /** PID of its master. */
  readonly pid: number;
  readonly folders: PostfixFolders;
  log(): Promise<string>;
  /** What was delivered into the mailbox so far. */
  mailbox(): Promise<DeliveredMail[]>;
  /** Resolves with the mailbox once it holds at least `count` messages. */
  received(count: number, timeout?: number): Promise<DeliveredMail[]>;
  stop(): Promise<void>;
}

const userIds = async (name: string): Promise<{ uid: number; gid: number }> => {
  const { stdout } = await runChild('getent', ['passwd', name]);
  const [, , uid, gid] = stdout.split(':');
  return { uid: Number(uid), gid: Number(gid) };
};

const checked = async (command: string, args: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await runChild(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
  return stdout.trim();
};

/**
 * Starts a Postfix of our own from the programs of the package: configuration, queue, log and mailbox in a folder of
 * its own, smtpd on a free loopback port. Several may run at once. Needs root, as Postfix does.
 */
export const startPostfix = async (options: PostfixOptions = {}): Promise<Postfix> => {
  const folder = await temporaryFolder('postfix', 0o755, options.parent);
  const within = (name: string) => join(folder.path, name);
  const folders: PostfixFolders = {
    config: within('config'),
    queue: within('queue'),
    data: within('data'),
    mail: within('mail'),
    log: within('mail.log'),
  };
  const owner = await userIds('postfix');
  for (const path of [folders.config, folders.queue, folders.data, folders.mail]) await mkdir(path, { mode: 0o755 });
  await chown(folders.data, owner.uid, owner.gid);
  const receiver = await userIds('nobody');
  await chown(folders.mail, receiver.uid, receiver.gid);

  const port = await freePort();
  const settings: Record<string, string> =
    options.relayTo === undefined
      ? catchAll(folders, receiver)
      : { relayhost: `[${options.relayTo.replace(/:(\d+)$/, ']:$1')}` };
  if (options.tls) {
    const certificate = await selfSigned(folders.config);
    settings.smtpd_tls_security_level = 'may';
    settings.smtpd_tls_cert_file = certificate.certificate;
    settings.smtpd_tls_key_file = certificate.key;
  }
  await writeFile(join(folders.config, 'main.cf'), mainCf(folders, { ...settings, ...options.settings }));
  await writeFile(join(folders.config, 'master.cf'), masterCf(port));
  // Makes the folders of the queue, each with its owner.
  await checked('postfix', ['-c', folders.config, 'check']);

  const daemons = await checked('postconf', ['-c', folders.config, '-h', 'daemon_directory']);
  const master = startChild(join(daemons, 'master'), ['-c', folders.config, '-d'], { group: true });
  const log = async () =>
    readFile(folders.log, 'utf8').catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? '' : `${error}`));
  const mailbox = () => readMaildir(join(folders.mail, 'all'));
  const stop = async () => {
    await master.stop(5_000);
    await folder.remove();
  };
  try {
    await waitFor('the greeting of Postfix', () => {
      if (master.exit() !== undefined) throw new Error(`master ended: ${master.stderr()}`);
      return greeting(port);
    });
  } catch (error) {
    const text = await log();
    await stop();
    throw new Error(`Postfix did not start: ${text}${master.stderr()}`, { cause: error });
  }
  return {
    port,
    pid: master.pid,
    folders,
    log,
    mailbox,
    received: async (count, timeout = 20_000) => {
      let seen: DeliveredMail[] = [];
      await waitFor(
        `${count} messages in the mailbox of Postfix`,
        async () => {
          seen = await mailbox();
          return seen.length >= count;
        },
        { timeout },
      );
      return seen;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
};
