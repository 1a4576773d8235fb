import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { RedisAddress } from '../../config/redis-url.ts';
import { SluiceError } from '../../domain/errors.ts';

/** A connection to one server, to the master that sentinels name, or to all masters of a cluster. */
export type RedisConnection = Redis | Cluster;

/**
 * `commands` fail fast, within `answerMilliseconds`, since somebody waits for the answer and can say 451; `patient` ones
 * wait for Redis to come back, for connections on which nobody does.
 */
export type Temper = 'commands' | 'patient';

/** How long Redis may take: for an answer, and until a silent connection counts as dead. Milliseconds. */
export interface RedisTimes {
  readonly answerMilliseconds: number;
  readonly silenceMilliseconds: number;
}

export const redisTimes: RedisTimes = { answerMilliseconds: 2_000, silenceMilliseconds: 5_000 };

/** Pause before the next try to connect: doubling from 50 ms to 2 s, spread so that a fleet does not come at once. */
const pause = (tries: number): number => Math.min(50 * 2 ** (tries - 1), 2_000) + Math.floor(Math.random() * 100);

/**
 * Opens a connection, which goes on trying until it is disconnected. A master that froze is left for its silence, one that
 * became a replica for its refusals; the sentinels are asked anew then. (The failover detector of ioredis 6 can end a
 * connection for good: when its news comes while the connection is being made anew.)
 */
export function connectRedis(address: RedisAddress, temper: Temper, times: RedisTimes = redisTimes): RedisConnection {
  const tls = tlsOptions(address);
  const common = {
    ...address.login,
    ...(tls === undefined ? {} : { tls }),
    connectTimeout: 5_000,
    socketTimeout: times.silenceMilliseconds,
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    ...(temper === 'commands'
      ? {
          commandTimeout: times.answerMilliseconds,
          maxRetriesPerRequest: 0,
          autoResendUnfulfilledCommands: false,
        }
      : { maxRetriesPerRequest: null }),
  } satisfies RedisOptions;
  const enableOfflineQueue = temper === 'patient';
  const hosts = address.hosts.map(({ host, port }) => ({ host, port }));
  if (address.kind === 'cluster') {
    return new Cluster(hosts, {
      redisOptions: common,
      clusterRetryStrategy: pause,
      enableOfflineQueue,
      slotsRefreshTimeout: times.answerMilliseconds,
      slotsRefreshInterval: 5_000,
    });
  }
  const single = { ...common, retryStrategy: pause, enableOfflineQueue, db: address.database };
  if (address.kind === 'single') return new Redis({ ...hosts[0], ...single });
  const { username, password } = address.sentinelLogin;
  return new Redis({
    ...single,
    sentinels: hosts,
    name: address.master ?? '',
    ...(username === undefined ? {} : { sentinelUsername: username }),
    ...(password === undefined ? {} : { sentinelPassword: password }),
    ...(tls === undefined ? {} : { sentinelTLS: tls, enableTLSForSentinelMode: true }),
    sentinelCommandTimeout: times.answerMilliseconds,
    sentinelRetryStrategy: pause,
  });
}

/** The hosts of the URL, as a person reads them; nothing secret. */
export const redisHosts = (address: RedisAddress): string =>
  address.hosts.map(({ host, port }) => `${host}:${port}`).join(',');

function tlsOptions({ tls, ca }: RedisAddress): ConnectionOptions | undefined {
  if (!tls) return undefined;
  if (ca === null) return {};
  try {
    return { ca: readFileSync(ca) };
  } catch (cause) {
    throw new SluiceError('TLS_INVALID', `The authorities for Redis (${ca}) cannot be read`, { cause });
  }
}
