import { parseRedisUrl } from '../../core/config/redis-url.ts';
import type { Config } from '../../core/config/schema.ts';
import type { Clock } from '../../core/domain/clock.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { Logger } from '../../core/observability/log.ts';
import { BeeWakeUps } from '../../core/queue/bee-queue/bee-wake-ups.ts';
import { type MongodbStore, openMongodbStore } from '../../core/storage/mongodb/store.ts';
import type { AcceptedRecipients } from '../../core/storage/ports/accepted-recipients.ts';
import type { ProcessRole } from '../../core/storage/ports/processes.ts';
import { RedisBus } from '../../core/storage/redis/bus.ts';
import { RedisCounters } from '../../core/storage/redis/counters.ts';
import { RedisLink } from '../../core/storage/redis/link.ts';
import { RedisRateLimits } from '../../core/storage/redis/rate-limits.ts';
import type { Closing } from '../closing.ts';

/** What all processes of a cluster share: the truth in MongoDB, and counters, bus and wake-ups in Redis. */
export interface Connections {
  readonly store: MongodbStore;
  readonly wakeUps: BeeWakeUps;
  readonly bus: RedisBus;
  readonly counters: RedisCounters;
  readonly rateLimits: RedisRateLimits;
  readonly redisUp: () => boolean;
}

/** Whom a counter's owner (`credential:<id>`, `user:<id>`) means. */
function ownerOf(owner: string): { ownerId?: string; credentialId?: string } {
  const at = owner.indexOf(':');
  const id = owner.slice(at + 1);
  return owner.slice(0, at) === 'credential' ? { credentialId: id } : { ownerId: id };
}

/** Waits for both servers, however long they take, and says in the log for which it waits. */
export async function openConnections(
  parts: {
    readonly config: Config;
    readonly roles: readonly ProcessRole[];
    readonly log: Logger;
    readonly clock: Clock;
  },
  closing: Closing,
): Promise<Connections> {
  const { config, roles, log, clock } = parts;
  const { smtp, worker, retention, cluster } = config;
  const address = parseRedisUrl(config.redis_url ?? '');
  if ('problem' in address) throw new SluiceError('CONFIG_INVALID', `redis_url ${address.problem}`);
  const link = new RedisLink({ address, log });
  closing.add('redis', () => link.close());
  const options = { link, pollMilliseconds: cluster.poll };
  const wakeUps = roles.includes('worker') ? BeeWakeUps.worker(options) : BeeWakeUps.sender(options);
  closing.add('wake-ups', () => wakeUps.close());
  const store = await openMongodbStore({
    uri: config.mongodb_uri ?? '',
    log,
    clock,
    ambiguousDelay: worker.ambiguous_delay,
    sweep: worker.sweep,
    unwritten: smtp.limits.unwritten,
    retention: { captured: retention.captured, log: retention.log, receiving: smtp.limits.data_timeout * 2 },
    poll: cluster.poll,
    wakeUps: { sender: wakeUps, ...(roles.includes('worker') ? { source: wakeUps } : {}) },
    tellsDots: true,
  });
  closing.add('store', () => store.close());
  await link.ready();
  const bus = await RedisBus.start({ link, pollMilliseconds: cluster.beat });
  closing.add('bus', () => bus.close());
  const accepted: AcceptedRecipients = {
    accepted: (owner, from, until) => store.mailLog.acceptedBetween(ownerOf(owner), from, until),
  };
  const counters = new RedisCounters({ link, accepted, clock });
  return { store, wakeUps, bus, counters, rateLimits: new RedisRateLimits(link), redisUp: () => link.up };
}
