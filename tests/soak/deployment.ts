import { type Config, type ConfigInput, configSchema } from '../../core/config/schema.ts';
import { type Account, createCredential, registerFirst } from '../support/api-client.ts';
import { type CaptureSink, startCaptureSink } from '../support/capture-sink.ts';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { startJournals } from '../support/cluster-journals.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import type { Journal } from '../support/journal.ts';
import { type MongodbServer, startMongodb } from '../support/mongodb-server.ts';
import { type RedisServer, startRedis } from '../support/redis-servers.ts';

/** A cluster as it is run in earnest, with all around it that can fail, and the load on it. */
export interface Deployment extends AsyncDisposable {
  /** All its settings, defaults filled in. */
  readonly config: Config;
  readonly mongodb: MongodbServer;
  readonly redis: RedisServer;
  readonly sink: CaptureSink;
  /** The way to the sink. */
  readonly upstream: FaultProxy;
  readonly cluster: Cluster;
  readonly account: Account;
  readonly journals: readonly Journal[];
}

/**
 * Nothing but what has to differ on one machine: logins in clear, since the load client would spend its time on TLS, and
 * a log that does not grow with each message. All intervals are those of the schema, as with configs/cluster.yaml.
 */
const configure =
  (upstreamPort: number) =>
  (config: ConfigInput): ConfigInput => ({
    ...config,
    log: { level: 'warn' },
    smtp: {
      ...config.smtp,
      listeners: (config.smtp?.listeners ?? []).map((listener) => ({ ...listener, auth_without_tls: true })),
    },
    plugins: config.plugins.map((plugin) =>
      plugin.use === 'delivery'
        ? {
            ...plugin,
            config: { upstreams: [{ name: 'default', host: '127.0.0.1', port: upstreamPort, tls: 'none' }] },
          }
        : plugin,
    ),
  });

/** Starts two SMTP servers, two workers and an API on MongoDB and Redis (append-only file), and `rate` messages a second. */
export async function startDeployment(rate: number): Promise<Deployment> {
  await using started = new AsyncDisposableStack();
  // Records of an hour stay: the conservation sum counts them until the day is over.
  const mongodb = started.use(await startMongodb({ keep: true, memory: 2_048 }));
  const redis = started.use(await startRedis({ arguments: ['--appendonly', 'yes', '--appendfsync', 'everysec'] }));
  const sink = started.use(await startCaptureSink({ keepRaw: false, dotDelay: 20 }));
  const upstream = started.use(await startFaultProxy({ port: sink.port }));
  let config: ConfigInput = { plugins: [] };
  const cluster = started.use(
    await startCluster({
      mongodb: mongodb.uri,
      redis: redis.url,
      smtp: 2,
      workers: 2,
      startTimeout: 180_000,
      configure: (shared) => {
        config = configure(upstream.port)(shared);
        return config;
      },
    }),
  );
  const account = await registerFirst(cluster.api);
  const credential = await createCredential(account, { daily_quota: null, hourly_quota: null });
  const journals = startJournals(cluster, credential, {
    rate: rate / cluster.smtp.length,
    connections: 4,
    sizes: [1_024, 4_096, 4_096, 8_192, 32_768],
    // It does not take the processor from those who are to recover.
    reconnect: 250,
  });
  for (const journal of journals) started.use(journal);
  const all = started.move();
  return {
    config: configSchema.parse(config),
    mongodb,
    redis,
    sink,
    upstream,
    cluster,
    account,
    journals,
    async [Symbol.asyncDispose]() {
      // Who is frozen hears no SIGTERM.
      await mongodb.thaw();
      redis.thaw();
      await all.disposeAsync();
    },
  };
}
