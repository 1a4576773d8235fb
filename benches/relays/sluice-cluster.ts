import sluicePackage from '../../package.json' with { type: 'json' };
import { createCredential, registerFirst } from '../../tests/support/api-client.ts';
import { available } from '../../tests/support/available.ts';
import { startCluster } from '../../tests/support/cluster.ts';
import { startMongodb } from '../../tests/support/mongodb-server.ts';
import { startRedis } from '../../tests/support/redis-servers.ts';
import { mongodbName, redisName } from '../../tests/support/server-names.ts';
import type { SluiceRelay } from './relay.ts';
import { seedCluster } from './seed-queue.ts';
import { sluiceConfiguration } from './sluice-configuration.ts';

/** For large messages, which mongo-java-server keeps in memory; MongoDB takes no notice of it. In MB. */
const databaseMemory = 4_096;

const servers = async () => {
  await using stack = new AsyncDisposableStack();
  const mongodb = stack.use(await startMongodb({ memory: databaseMemory }));
  const redis = stack.use(await startRedis({ arguments: ['--appendonly', 'yes'] }));
  const started = stack.move();
  return { mongodb, redis, stop: () => started.disposeAsync() };
};

/** The processes that production has, one of each; what they use is not counted as theirs. */
export const sluiceCluster: SluiceRelay = {
  name: 'sluice',
  label: 'Sluice, cluster',
  difference:
    'login, and all shipped plugins but the Haraka bridge; processes smtp, worker and api, whose processor time and memory are counted, but not those of database and Redis',
  relays: true,
  // What stands for MongoDB where there is none looks at every record.
  share: 0.1,
  flushes: false,
  large: 20,
  waiting: 10_000,
  missing: () => {
    const lacking = (['mongodb-process', 'redis-server'] as const)
      .map((need) => available(need))
      .find(({ found }) => found === undefined);
    return lacking?.remedy;
  },
  prepare: async () => {
    const { mongodb, redis, stop } = await servers();
    try {
      return `${sluicePackage.version} on ${await mongodbName(mongodb)} and ${await redisName(redis)}`;
    } finally {
      await stop();
    }
  },
  start: async (setting) => {
    await using stack = new AsyncDisposableStack();
    const { mongodb, redis, stop } = await servers();
    stack.defer(stop);
    const cluster = stack.use(
      await startCluster({
        mongodb: mongodb.uri,
        redis: redis.url,
        startTimeout: 180_000,
        configure: sluiceConfiguration(setting.upstream),
      }),
    );
    const { username, password } = await createCredential(await registerFirst(cluster.api), { name: 'bench' });
    const started = stack.move();
    return {
      port: cluster.smtp[0]?.port ?? 0,
      get pids() {
        return cluster.all.map(({ child }) => child.pid);
      },
      login: { username, password },
      end: async () => {
        await Promise.all(cluster.all.map((one) => one.terminate()));
      },
      seed: (messages) => seedCluster(mongodb.uri, messages),
      startAgain: async () => {
        for (const one of cluster.all) one.launch();
        await Promise.all(cluster.all.map((one) => one.ready(180_000)));
      },
      stop: () => started.disposeAsync(),
    };
  },
};
