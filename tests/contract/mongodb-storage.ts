import { createLog } from '../../core/observability/log.ts';
import { openMongodbStore } from '../../core/storage/mongodb/store.ts';
import { type TestDatabase, testDatabase } from '../support/mongodb-database.ts';
import type { OpenStorage, Storage } from './storage.ts';

/** The MongoDB adapter on a database of its own, of the server that the tests share. */
export const openMongodb: OpenStorage = async ({ ambiguousDelay = 600_000 } = {}) =>
  open(await testDatabase(), ambiguousDelay);

async function open(test: TestDatabase, ambiguousDelay: number): Promise<Storage> {
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
