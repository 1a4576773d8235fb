import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import {
  launchRedis,
  type RedisDeployment,
  type RedisServer,
  type RedisServerOptions,
  redisHost,
  redisUrl,
  startRedisIn,
} from './redis-servers.ts';
import { selfSigned } from './self-signed.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { waitFor } from './wait-for.ts';

export interface SentinelDeployment extends RedisDeployment {
  /** The server that the sentinels name now. */
  master(): Promise<RedisServer>;
}

type Security = Pick<RedisServerOptions, 'tls' | 'password'>;
type Sentinel = Omit<RedisServer, 'url'>;

/** A master, a replica and three sentinels, which notice after a second that the master is gone. */
export async function startRedisSentinel(
  options: { readonly tls?: boolean; readonly password?: string } = {},
): Promise<SentinelDeployment> {
  const folder = await temporaryFolder('redis-sentinel');
  const { password } = options;
  const security: Security = {
    ...(options.tls === true ? { tls: await selfSigned(folder.path) } : {}),
    ...(password === undefined ? {} : { password }),
  };
  const master = await startRedisIn(join(folder.path, 'first'), security);
  const replica = await startRedisIn(join(folder.path, 'second'), {
    ...security,
    arguments: ['--replicaof', redisHost, `${master.port}`, '--repl-diskless-sync-delay', '0'],
  });
  const sentinels = await Promise.all(
    [1, 2, 3].map((n) => startSentinel(join(folder.path, `sentinel${n}`), master.port, security)),
  );
  await waitFor(
    'the sentinels to know each other and the replica',
    async () => {
      const views = await Promise.all(sentinels.map(viewOf));
      return views.every((view) => view['num-other-sentinels'] === '2' && view['num-slaves'] === '1');
    },
    { timeout: 60_000, interval: 50 },
  );
  const servers = [master, replica];
  const url = redisUrl('+sentinel', sentinels, security, '/main');
  return {
    url: password === undefined ? url : `${url}${url.includes('?') ? '&' : '?'}sentinel_password=${password}`,
    servers,
    async master() {
      const [first] = sentinels;
      const port = first === undefined ? '' : (await viewOf(first)).port;
      const now = servers.find((server) => `${server.port}` === port);
      if (now === undefined) throw new Error(`the sentinels name a master on port ${port} that is not ours`);
      return now;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...sentinels, ...servers].map((server) => server.stop()));
      await folder.remove();
    },
  };
}

/** What a sentinel knows of the master. */
async function viewOf(sentinel: Sentinel): Promise<Record<string, string>> {
  const reply = (await sentinel.admin.call('SENTINEL', 'MASTER', 'main')) as string[];
  return Object.fromEntries(reply.flatMap((name, i) => (i % 2 === 0 ? [[name, reply[i + 1] ?? '']] : [])));
}

async function startSentinel(folder: string, master: number, { tls, password }: Security): Promise<Sentinel> {
  const port = await freePort();
  await mkdir(folder, { recursive: true });
  const config = join(folder, 'sentinel.conf');
  const lines = [
    ...(tls === undefined
      ? [`port ${port}`]
      : [
          'port 0',
          `tls-port ${port}`,
          `tls-cert-file ${tls.certificate}`,
          `tls-key-file ${tls.key}`,
          `tls-ca-cert-file ${tls.certificate}`,
          'tls-auth-clients no',
          'tls-replication yes',
        ]),
    `bind ${redisHost}`,
    `dir ${folder}`,
    'protected-mode no',
    `sentinel monitor main ${redisHost} ${master} 2`,
    'sentinel down-after-milliseconds main 1000',
    'sentinel failover-timeout main 5000',
    ...(password === undefined
      ? []
      : [`sentinel auth-pass main ${password}`, `requirepass ${password}`, `sentinel sentinel-pass ${password}`]),
  ];
  await writeFile(config, `${lines.join('\n')}\n`);
  return launchRedis({
    port,
    args: [config, '--sentinel'],
    ...(tls === undefined ? {} : { tls }),
    ...(password === undefined ? {} : { password }),
  });
}
