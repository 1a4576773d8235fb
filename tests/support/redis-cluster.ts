import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { type RedisDeployment, type RedisServerOptions, redisHost, redisUrl, startRedisIn } from './redis-servers.ts';
import { selfSigned } from './self-signed.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { waitFor } from './wait-for.ts';

const slots = 16_384;

/** Three masters that share the slots; no replicas. */
export async function startRedisCluster(
  options: { readonly tls?: boolean; readonly password?: string } = {},
): Promise<RedisDeployment> {
  const folder = await temporaryFolder('redis-cluster');
  const { password } = options;
  const security: Pick<RedisServerOptions, 'tls' | 'password'> = {
    ...(options.tls === true ? { tls: await selfSigned(folder.path) } : {}),
    ...(password === undefined ? {} : { password }),
  };
  const nodes = await Promise.all(
    [0, 1, 2].map(async (n) => {
      const bus = await freePort();
      const clustered = ['--cluster-enabled', 'yes', '--cluster-port', `${bus}`, '--cluster-node-timeout', '2000'];
      if (options.tls === true) clustered.push('--tls-cluster', 'yes');
      return { bus, server: await startRedisIn(join(folder.path, `node${n}`), { ...security, arguments: clustered }) };
    }),
  );
  for (const [n, { server }] of nodes.entries()) {
    const from = Math.ceil((n * slots) / nodes.length);
    const to = Math.ceil(((n + 1) * slots) / nodes.length) - 1;
    await server.admin.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
    await server.admin.call('CLUSTER', 'SET-CONFIG-EPOCH', n + 1);
  }
  const [first, ...others] = nodes;
  for (const { server, bus } of others) await first?.server.admin.call('CLUSTER', 'MEET', redisHost, server.port, bus);
  await waitFor(
    'the cluster to be whole',
    async () => {
      const states = await Promise.all(nodes.map(({ server }) => server.admin.call('CLUSTER', 'INFO')));
      return states.every((state) => /cluster_state:ok[\s\S]*cluster_known_nodes:3\b/.test(String(state)));
    },
    { timeout: 60_000, interval: 50 },
  );
  const servers = nodes.map(({ server }) => server);
  return {
    url: redisUrl('+cluster', servers, security),
    servers,
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((server) => server.stop()));
      await folder.remove();
    },
  };
}
