import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { searchPath } from './find-program.ts';

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface ChildOptions {
  cwd?: string;
  /** The whole environment of the child; default: PATH, HOME, LANG and TZ of ours only. */
  env?: Readonly<Record<string, string>>;
  /** Whether the child leads a process group, so that `kill` reaches its children too. */
  group?: boolean;
  /** Opens an IPC channel. */
  ipc?: boolean;
}

export interface Child extends AsyncDisposable {
  readonly pid: number;
  readonly process: ChildProcess;
  readonly exited: Promise<Exit>;
  /** All it printed to stdout and stderr so far. */
  stdout(): string;
  stderr(): string;
  /** undefined while it runs. */
  exit(): Exit | undefined;
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, after `grace` ms (default 10,000) SIGKILL; resolves when it is gone. */
  stop(grace?: number): Promise<Exit>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<Exit>;
}

const alive = new Set<(signal: NodeJS.Signals) => void>();
process.once('exit', () => {
  for (const signal of alive) signal('SIGKILL');
});

/** What a program needs from the environment of the tests, and nothing that could configure it. */
export const cleanEnvironment = (extra: Readonly<Record<string, string>> = {}): Record<string, string> => {
  const kept: Record<string, string> = { PATH: searchPath().join(':') };
  for (const name of ['HOME', 'LANG', 'TZ', 'TMPDIR']) {
    const value = process.env[name];
    if (value !== undefined) kept[name] = value;
  }
  return { ...kept, ...extra };
};

/** Starts a program whose output is gathered, and which does not outlive this process. */
export const startChild = (command: string, args: readonly string[], options: ChildOptions = {}): Child => {
  const child = spawn(command, args, {
    env: options.env ?? cleanEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe', ...(options.ipc ? (['ipc'] as const) : [])],
    detached: options.group ?? false,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const pid = child.pid ?? 0;
  let out = '';
  let err = '';
  let exit: Exit | undefined;
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const send = (signal: NodeJS.Signals) => {
    if (pid === 0 || exit !== undefined) return;
    try {
      process.kill(options.group ? -pid : pid, signal);
    } catch {
      // Gone between its end and our hearing of it.
    }
  };
  alive.add(send);
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', (error) => {
      err += `${error.message}\n`;
      exit ??= { code: null, signal: null };
      alive.delete(send);
      resolve(exit);
    });
    child.once('close', (code, signal) => {
      exit ??= { code, signal };
      alive.delete(send);
      resolve(exit);
    });
  });
  const stop = async (grace = 10_000) => {
    send('SIGTERM');
    const timer = new AbortController();
    await Promise.race([exited, delay(grace, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
    send('SIGKILL');
    return exited;
  };
  return {
    pid,
    process: child,
    exited,
    stdout: () => out,
    stderr: () => err,
    exit: () => exit,
    signal: send,
    stop,
    kill: () => {
      send('SIGKILL');
      return exited;
    },
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
};

/** Runs a program to its end; never rejects because of its exit code. */
export const runChild = async (
  command: string,
  args: readonly string[],
  options: ChildOptions & { input?: string | Buffer; timeout?: number } = {},
): Promise<Exit & { stdout: string; stderr: string }> => {
  const child = spawn(command, args, {
    env: options.env ?? cleanEnvironment(),
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: options.timeout ?? 60_000,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // A program that ends without reading its input is not our error.
  child.stdin.on('error', () => undefined).end(options.input ?? '');
  const [code, signal] = await once(child, 'close');
  return { code, signal, stdout, stderr };
};
