import { chown, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runChild, startChild } from './child.ts';
import { freePort } from './free-port.ts';
import { greeting } from './tcp-ready.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { waitFor } from './wait-for.ts';

/** What smtp-sink(1) can be told; a phase is CONNECT, EHLO, MAIL, RCPT, DATA, `.`, RSET, NOOP or QUIT. */
export interface SmtpSinkOptions {
  port?: number;
  /** Keep each message as a file of its own; default true, false for speed. */
  capture?: boolean;
  /** 4xx at these phases (-r). */
  soft?: readonly string[];
  /** 5xx at these phases (-f). */
  hard?: readonly string[];
  /** Disconnect without a reply (-q). */
  drop?: readonly string[];
  /** 421 and disconnect (-Q). */
  shutDown?: readonly string[];
  softReply?: string;
  hardReply?: string;
  /** Delays of replies in whole seconds by command (-W). */
  delays?: Readonly<Record<string, number>>;
  /** Any further options, as on its command line. */
  options?: readonly string[];
}

/** A transaction as smtp-sink wrote it down. */
export interface SinkMail {
  from: string;
  to: string[];
  /** Its body, header fields included, without those that smtp-sink puts in front. */
  raw: Buffer;
}

export interface SmtpSink extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** Final dots taken since it started. */
  count(): number;
  /** Resolves once it has taken at least `count` messages. */
  received(count: number, timeout?: number): Promise<void>;
  captured(): Promise<SinkMail[]>;
  stop(): Promise<void>;
}

const blankLine = Buffer.from('\n\n');

/** Reads the X- fields in front of a dump: `X-Mail-Args: <a@b> SIZE=5`, `X-Rcpt-Args: <c@d>`. */
export const parseDump = (dump: Buffer): SinkMail => {
  // Its own fields end with a Received field of two folded lines; the message follows at once.
  const text = dump.toString('latin1');
  const own = /^Received: .*\n(?:[ \t].*\n)*/m.exec(text);
  const end = own === null ? dump.indexOf(blankLine) + 2 : own.index + own[0].length;
  const head = text.slice(0, end);
  const address = (line: string) => /<([^>]*)>/.exec(line)?.[1] ?? '';
  return {
    from: address(/^X-Mail-Args: (.*)$/m.exec(head)?.[1] ?? ''),
    to: [...head.matchAll(/^X-Rcpt-Args: (.*)$/gm)].map((match) => address(match[1] ?? '')),
    raw: dump.subarray(end),
  };
};

const flags = (options: SmtpSinkOptions): string[] => {
  const list: string[] = [];
  const phases = (flag: string, names: readonly string[] | undefined) => {
    if (names !== undefined && names.length > 0) list.push(flag, names.join(','));
  };
  phases('-r', options.soft);
  phases('-f', options.hard);
  phases('-q', options.drop);
  phases('-Q', options.shutDown);
  if (options.softReply !== undefined) list.push('-b', options.softReply);
  if (options.hardReply !== undefined) list.push('-B', options.hardReply);
  for (const [command, seconds] of Object.entries(options.delays ?? {})) list.push('-W', `${command}:${seconds}`);
  return [...list, ...(options.options ?? [])];
};

/** Starts the smtp-sink of Debian's postfix package on a free loopback port. */
export const startSmtpSink = async (options: SmtpSinkOptions = {}): Promise<SmtpSink> => {
  const port = options.port ?? (await freePort());
  const folder = await temporaryFolder('smtp-sink', 0o755);
  const dumps = join(folder.path, 'mail');
  await mkdir(dumps, { mode: 0o755 });
  const args = ['-c', '-m', '1000', ...flags(options)];
  if (process.getuid?.() === 0) {
    const { stdout } = await runChild('id', ['-u', 'nobody']);
    await chown(dumps, Number(stdout), Number(stdout));
    args.push('-u', 'nobody');
  }
  if (options.capture ?? true) args.push('-d', `${dumps}/%s.`);
  const child = startChild('smtp-sink', [...args, `127.0.0.1:${port}`, '1000'], { cwd: folder.path });
  const stop = async () => {
    await child.kill();
    await folder.remove();
  };
  const count = () =>
    Number(
      [
        ...child
          .stdout()
          .slice(-200)
          .matchAll(/mesg=(\d+)/g),
      ].at(-1)?.[1] ?? 0,
    );
  const sink: SmtpSink = {
    port,
    pid: child.pid,
    count,
    received: async (wanted, timeout = 20_000) => {
      await waitFor(`${wanted} messages at smtp-sink`, () => count() >= wanted, {
        timeout,
        detail: () => `it has ${count()}`,
      });
    },
    captured: async () => {
      const names = (await readdir(dumps)).sort();
      return Promise.all(names.map(async (name) => parseDump(await readFile(join(dumps, name)))));
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
  const silent = [
    ...(options.drop ?? []),
    ...(options.shutDown ?? []),
    ...(options.hard ?? []),
    ...(options.soft ?? []),
  ];
  if (silent.includes('CONNECT') || options.delays?.CONNECT !== undefined) return sink;
  try {
    await waitFor('smtp-sink', () => {
      if (child.exit() !== undefined) throw new Error(`smtp-sink ended: ${child.stderr()}`);
      return greeting(port);
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return sink;
};
