import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { Redis } from 'ioredis';
import { type Child, startChild } from './child.ts';
import { freePort } from './free-port.ts';
import { selfSigned } from './self-signed.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { waitFor } from './wait-for.ts';

/** A redis-server of our own; what it holds is gone when it stops, unless `arguments` say otherwise. */
export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Its connection for the test, which reconnects by itself. */
  readonly admin: Redis;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port; resolves when it answers. */
  start(): Promise<void>;
  /** SIGSTOP: connections stay, nothing is answered. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

/** A deployment of one or several servers that one URL leads to. */
export interface RedisDeployment extends AsyncDisposable {
  readonly url: string;
  readonly servers: readonly RedisServer[];
}

/** PEM files. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

export interface RedisServerOptions {
  /** More arguments of redis-server, such as `['--maxmemory', '10mb']`. */
  readonly arguments?: readonly string[];
  /** Speaks TLS only, with this certificate. */
  readonly tls?: CertificateFiles;
  readonly password?: string;
  /** Default: a free one. */
  readonly port?: number;
}

export const redisHost = '127.0.0.1';
const host = redisHost;

export interface RedisLaunch extends Pick<RedisServerOptions, 'tls' | 'password'> {
  readonly port: number;
  readonly args: readonly string[];
}

/** Starts redis-server and waits for its answer to PING; fails with its own words when it ends before. */
export async function launchRedis({ port, args, tls, password }: RedisLaunch): Promise<Omit<RedisServer, 'url'>> {
  let child: Child;
  const admin = new Redis({
    host,
    port,
    lazyConnect: true,
    retryStrategy: () => 50,
    maxRetriesPerRequest: null,
    commandTimeout: 60_000,
    ...(tls === undefined ? {} : { tls: { rejectUnauthorized: false } }),
    ...(password === undefined ? {} : { password }),
  });
  admin.on('error', () => undefined);
  const start = async () => {
    child = startChild('redis-server', [...args]);
    const own = child;
    await waitFor(
      `redis-server on port ${port}`,
      async () => {
        if (own.exit() !== undefined) throw new Error(`redis-server ended: ${own.stdout()}${own.stderr()}`);
        return (await answers(port, tls !== undefined)) && own.exit() === undefined;
      },
      { timeout: 20_000, detail: () => own.stdout() },
    );
  };
  await start();
  const kill = async () => {
    await child.kill();
  };
  const stop = async () => {
    admin.disconnect();
    child.signal('SIGCONT');
    await child.kill();
  };
  return {
    port,
    admin,
    kill,
    start,
    freeze: () => child.signal('SIGSTOP'),
    thaw: () => child.signal('SIGCONT'),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Whether it answers PING, be it by asking for a password. */
function answers(port: number, encrypted: boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = encrypted ? tlsConnect({ host, port, rejectUnauthorized: false }) : connect({ host, port });
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(2_000, () => settle(false));
    socket.once('error', () => settle(false));
    socket.once('close', () => settle(false));
    socket.once('data', (data) => settle(/^(?:\+PONG|-NOAUTH)/.test(data.toString('latin1'))));
    socket.write('PING\r\n');
  });
}

/** Arguments by which a server or sentinel speaks TLS only, or none. */
export const listening = (port: number, tls: CertificateFiles | undefined): string[] => {
  if (tls === undefined) return ['--port', `${port}`];
  const files = ['--tls-cert-file', tls.certificate, '--tls-key-file', tls.key, '--tls-ca-cert-file', tls.certificate];
  return ['--port', '0', '--tls-port', `${port}`, ...files, '--tls-auth-clients', 'no', '--tls-replication', 'yes'];
};

/** How a URL says it: `rediss` and the authority where there is TLS, the password where there is one. */
export const redisUrl = (
  kind: '' | '+sentinel' | '+cluster',
  hosts: readonly { readonly port: number }[],
  { tls, password }: Pick<RedisServerOptions, 'tls' | 'password'>,
  path = '',
): string => {
  const login = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
  const list = hosts.map(({ port }) => `${host}:${port}`).join(',');
  const ca = tls === undefined ? '' : `?ca=${encodeURIComponent(tls.certificate)}`;
  return `redis${tls === undefined ? '' : 's'}${kind}://${login}${list}${path}${ca}`;
};

const alone = ['--bind', host, '--save', '', '--appendonly', 'no', '--protected-mode', 'no'];

/** A server whose files are in `folder`. */
export async function startRedisIn(folder: string, options: RedisServerOptions = {}): Promise<RedisServer> {
  const { tls, password } = options;
  const port = options.port ?? (await freePort());
  await mkdir(folder, { recursive: true });
  const login = password === undefined ? [] : ['--requirepass', password, '--masterauth', password];
  const args = [...listening(port, tls), '--dir', folder, ...alone, ...login, ...(options.arguments ?? [])];
  const server = await launchRedis({ ...options, port, args });
  return { ...server, url: redisUrl('', [server], options) };
}

/** A single server. `tls` true: by a certificate of its own. */
export async function startRedis(
  options: Omit<RedisServerOptions, 'tls'> & { readonly tls?: boolean } = {},
): Promise<RedisServer & RedisDeployment> {
  const folder = await temporaryFolder('redis');
  const { tls, ...rest } = options;
  const server = await startRedisIn(folder.path, tls === true ? { ...rest, tls: await selfSigned(folder.path) } : rest);
  const stop = async () => {
    await server.stop();
    await folder.remove();
  };
  const whole = { ...server, stop, [Symbol.asyncDispose]: stop };
  return { ...whole, servers: [whole] };
}
