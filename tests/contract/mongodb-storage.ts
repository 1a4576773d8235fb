import { createLog } from '../../core/observability/log.ts';
import { openMongodbStore } from '../../core/storage/mongodb/store.ts';
import { type TestDatabase, testDatabase } from '../support/mongodb-database.ts';
import type { EventStorage } from './events.ts';
import type { WebhookStorage } from './webhooks.ts';

export interface MongodbStorage extends EventStorage, WebhookStorage {
  reopen(): Promise<MongodbStorage>;
  crash(): Promise<MongodbStorage>;
}

/** The MongoDB adapter on a database of its own, of the server that the tests share. */
export const openMongodb = async ({ ambiguousDelay = 600_000 } = {}): Promise<MongodbStorage> =>
  open(await testDatabase(), ambiguousDelay);

async function open(test: TestDatabase, ambiguousDelay: number): Promise<MongodbStorage> {
  const store = await openMongodbStore({ uri: test.uri, log: createLog({ level: 'silent' }), ambiguousDelay });
  return {
    ...store,
    async reopen() {
      await store.close();
      return open(test, ambiguousDelay);
    },
    async crash() {
      // What was not written is lost, and leases stay in the database.
      await store.database.close();
      return open(test, ambiguousDelay);
    },
    async close() {
      await store.close();
      await test.drop();
    },
  };
}
