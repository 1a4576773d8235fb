import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
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

export interface RedisServerOptions {
  /** More arguments of redis-server, such as `['--maxmemory', '10mb']`. */
  readonly arguments?: readonly string[];
  readonly tls?: boolean;
  /** Default: a free one. */
  readonly port?: number;
}

const host = '127.0.0.1';

interface Launch {
  readonly folder: string;
  readonly port: number;
  readonly args: readonly string[];
  readonly ca?: string;
  readonly path?: string;
}

/** Starts redis-server and waits for its answer to PING; fails with its own words when it ends before. */
async function launch({ folder, port, args, ca, path = 'redis-server' }: Launch): Promise<Omit<RedisServer, 'url'>> {
  const tls = ca === undefined ? {} : { tls: { rejectUnauthorized: false } };
  let child: Child;
  const admin = new Redis({
    host,
    port,
    lazyConnect: true,
    retryStrategy: () => 50,
    maxRetriesPerRequest: null,
    commandTimeout: 60_000,
    ...tls,
  });
  admin.on('error', () => undefined);
  const start = async () => {
    child = startChild(path, [...args]);
    const own = child;
    await waitFor(
      `redis-server on port ${port}`,
      async () => {
        if (own.exit() !== undefined) throw new Error(`redis-server ended: ${own.stdout()}${own.stderr()}`);
        return (await answers(port, ca !== undefined)) && own.exit() === undefined;
      },
      { timeout: 20_000, detail: () => own.stdout() },
    );
  };
  await mkdir(folder, { recursive: true });
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

const alone = ['--bind', host, '--save', '', '--appendonly', 'no', '--protected-mode', 'no'];

async function startIn(folder: string, options: RedisServerOptions = {}) {
  const port = options.port ?? (await freePort());
  await mkdir(folder, { recursive: true });
  const more = options.arguments ?? [];
  if (options.tls !== true) {
    const server = await launch({ folder, port, args: ['--port', `${port}`, '--dir', folder, ...alone, ...more] });
    return { ...server, url: `redis://${host}:${port}` };
  }
  const { certificate, key } = await selfSigned(folder);
  const args = ['--port', '0', '--tls-port', `${port}`, '--tls-cert-file', certificate, '--tls-key-file', key];
  args.push('--tls-ca-cert-file', certificate, '--tls-auth-clients', 'no', '--dir', folder, ...alone, ...more);
  const server = await launch({ folder, port, args, ca: certificate });
  return { ...server, url: `rediss://${host}:${port}?ca=${encodeURIComponent(certificate)}` };
}

/** A single server, with TLS by a certificate of its own where asked for. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer & RedisDeployment> {
  const folder = await temporaryFolder('redis');
  const server = await startIn(folder.path, options);
  const stop = async () => {
    await server.stop();
    await folder.remove();
  };
  const whole = { ...server, stop, [Symbol.asyncDispose]: stop };
  return { ...whole, servers: [whole] };
}

export interface SentinelDeployment extends RedisDeployment {
  /** The server that the sentinels name now. */
  master(): Promise<RedisServer>;
}

/** A master, a replica and three sentinels, which notice after a second that the master is gone. */
export async function startRedisSentinel(): Promise<SentinelDeployment> {
  const folder = await temporaryFolder('redis-sentinel');
  const master = await startIn(join(folder.path, 'first'));
  const replica = await startIn(join(folder.path, 'second'), {
    arguments: ['--replicaof', host, `${master.port}`, '--repl-diskless-sync-delay', '0'],
  });
  const sentinels = await Promise.all(
    [1, 2, 3].map((n) => startSentinel(join(folder.path, `sentinel${n}`), master.port)),
  );
  const of = async (sentinel: Omit<RedisServer, 'url'>): Promise<Record<string, string>> => {
    const reply = (await sentinel.admin.call('SENTINEL', 'MASTER', 'main')) as string[];
    return Object.fromEntries(reply.flatMap((name, i) => (i % 2 === 0 ? [[name, reply[i + 1] ?? '']] : [])));
  };
  await waitFor(
    'the sentinels to know each other and the replica',
    async () => {
      const views = await Promise.all(sentinels.map(of));
      return views.every((view) => view['num-other-sentinels'] === '2' && view['num-slaves'] === '1');
    },
    { timeout: 30_000, interval: 50 },
  );
  const servers = [master, replica];
  const stop = async () => {
    await Promise.all([...sentinels, ...servers].map((server) => server.stop()));
    await folder.remove();
  };
  return {
    url: `redis+sentinel://${sentinels.map(({ port }) => `${host}:${port}`).join(',')}/main`,
    servers,
    async master() {
      const [first] = sentinels;
      const port = first === undefined ? '' : (await of(first)).port;
      const now = servers.find((server) => `${server.port}` === port);
      if (now === undefined) throw new Error(`the sentinels name a master on port ${port} that is not ours`);
      return now;
    },
    [Symbol.asyncDispose]: stop,
  };
}

async function startSentinel(folder: string, master: number) {
  const port = await freePort();
  await mkdir(folder, { recursive: true });
  const config = join(folder, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    `bind ${host}`,
    `dir ${folder}`,
    'protected-mode no',
    `sentinel monitor main ${host} ${master} 2`,
    'sentinel down-after-milliseconds main 1000',
    'sentinel failover-timeout main 5000',
  ];
  await writeFile(config, `${lines.join('\n')}\n`);
  return launch({ folder, port, args: [config, '--sentinel'] });
}

/** Three masters that share the slots; no replicas. */
export async function startRedisCluster(): Promise<RedisDeployment> {
  const folder = await temporaryFolder('redis-cluster');
  const nodes = await Promise.all(
    [0, 1, 2].map(async (n) => {
      const bus = await freePort();
      const clustered = ['--cluster-enabled', 'yes', '--cluster-port', `${bus}`, '--cluster-node-timeout', '2000'];
      return { bus, server: await startIn(join(folder.path, `node${n}`), { arguments: clustered }) };
    }),
  );
  const slots = 16_384;
  for (const [n, { server }] of nodes.entries()) {
    const from = Math.ceil((n * slots) / nodes.length);
    const to = Math.ceil(((n + 1) * slots) / nodes.length) - 1;
    await server.admin.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
    await server.admin.call('CLUSTER', 'SET-CONFIG-EPOCH', n + 1);
  }
  const [first, ...others] = nodes;
  for (const { server, bus } of others) await first?.server.admin.call('CLUSTER', 'MEET', host, server.port, bus);
  await waitFor(
    'the cluster to be whole',
    async () => {
      const states = await Promise.all(nodes.map(({ server }) => server.admin.call('CLUSTER', 'INFO')));
      return states.every((state) => /cluster_state:ok[\s\S]*cluster_known_nodes:3\b/.test(String(state)));
    },
    { timeout: 30_000, interval: 50 },
  );
  const servers = nodes.map(({ server }) => server);
  const stop = async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await folder.remove();
  };
  return {
    url: `redis+cluster://${servers.map(({ port }) => `${host}:${port}`).join(',')}`,
    servers,
    [Symbol.asyncDispose]: stop,
  };
}
