import { pino } from 'pino';
import { type TestDatabase, testDatabase } from '../../../../tests/support/mongodb-database.ts';
import { type MongodbProxy, startMongodbProxy } from '../../../../tests/support/mongodb-proxy.ts';
import { type MongodbStore, type MongodbStoreOptions, openMongodbStore } from '../store.ts';

/** A store whose way to the server can be broken, and one that has a way of its own. */
export interface StoreBehindProxy extends AsyncDisposable {
  readonly proxy: MongodbProxy;
  /** What goes through the proxy. */
  readonly store: MongodbStore;
  /** Another process on the same database. */
  readonly other: MongodbStore;
  /** One more of such. */
  open(options?: Partial<MongodbStoreOptions>): Promise<MongodbStore>;
}

const longPoll = 3_600_000;

export async function storeBehindProxy(options: Partial<MongodbStoreOptions> = {}): Promise<StoreBehindProxy> {
  const test: TestDatabase = await testDatabase();
  const direct = new URL(test.uri);
  const proxy = await startMongodbProxy({ host: direct.hostname, port: Number(direct.port) });
  const behind = new URL(direct);
  behind.hostname = '127.0.0.1';
  behind.port = String(proxy.port);
  behind.searchParams.delete('replicaSet');
  behind.searchParams.set('directConnection', 'true');
  const opened: MongodbStore[] = [];
  const openAt = async (uri: string, more: Partial<MongodbStoreOptions> = {}): Promise<MongodbStore> => {
    const log = pino({ level: 'silent' });
    const store = await openMongodbStore({ uri, log, ambiguousDelay: 600_000, poll: longPoll, ...options, ...more });
    opened.push(store);
    return store;
  };
  const other = await openAt(test.uri);
  const store = await openAt(behind.href);
  return {
    proxy,
    store,
    other,
    open: (more) => openAt(test.uri, more),
    async [Symbol.asyncDispose]() {
      proxy.meddle(() => undefined);
      proxy.mend();
      for (const one of opened) await one.close();
      await proxy.stop();
      await test.drop();
    },
  };
}
