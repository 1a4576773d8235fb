import { createLog } from '../../core/observability/log.ts';
import { type MongodbStore, openMongodbStore } from '../../core/storage/mongodb/store.ts';
import { type TestDatabase, testDatabase } from '../support/mongodb-database.ts';
import type { EventStorage } from './events.ts';
import { ShardTargeting } from './shard-targeting.ts';
import type { WebhookStorage } from './webhooks.ts';

export interface MongodbStorage
  extends EventStorage,
    WebhookStorage,
    Pick<MongodbStore, 'processes' | 'rehearsals' | 'senderDomains'> {
  reopen(): Promise<MongodbStorage>;
  crash(): Promise<MongodbStorage>;
}

/**
 * The MongoDB adapter on a database of its own, of the server that the tests share. Its end fails where a command was
 * sent that would go to every shard of a cluster without being known for it.
 */
export const openMongodb = async ({ ambiguousDelay = 600_000 } = {}): Promise<MongodbStorage> =>
  open(await testDatabase(), ambiguousDelay, new ShardTargeting());

/** Has the driver tell of its commands. */
export function monitored(uri: string): string {
  const url = new URL(uri);
  url.searchParams.set('monitorCommands', 'true');
  return url.href;
}

/** `leasesOver`: so much time has passed that what a process held that ended is nobody's any more. */
async function open(
  test: TestDatabase,
  ambiguousDelay: number,
  targeting: ShardTargeting,
  leasesOver = false,
): Promise<MongodbStorage> {
  const store = await openMongodbStore({
    uri: monitored(test.uri),
    log: createLog({ level: 'silent' }),
    ambiguousDelay,
    unwritten: 64 * 1024 * 1024,
    retention: { captured: 86_400_000, log: 86_400_000, receiving: 600_000 },
    poll: 3_600_000,
  });
  if (leasesOver) {
    const messages = store.database.collection('messages');
    await messages.updateMany({ 'lease.until': { $gte: 0 } }, { $set: { 'lease.until': 0 } });
    await store.sweep();
  }
  targeting.watch(store.database.db.client);
  return {
    ...store,
    async reopen() {
      await store.close();
      return open(test, ambiguousDelay, targeting);
    },
    async crash() {
      // What was not written is lost, and leases stay in the database until their time is over.
      await store.database.close();
      return open(test, ambiguousDelay, targeting, true);
    },
    async close() {
      await store.close();
      await test.drop();
      if (targeting.problems.size > 0) throw new Error([...targeting.problems].join('\n'));
    },
  };
}
