import { setTimeout as delay } from 'node:timers/promises';
import { type Collection, type Db, MongoClient, type MongoClientOptions, MongoParseError } from 'mongodb';
import { SluiceError } from '../../domain/errors.ts';
import type { Logger } from '../../observability/log.ts';
import type { CollectionName, Documents } from './collections.ts';
import { within } from './deadline.ts';
import { checkServer } from './server-check.ts';
import { isRefusedLogin, storeError } from './store-error.ts';

/** A database of one server, as the adapters use it. */
export interface MongodbDatabase {
  readonly db: Db;
  collection<N extends CollectionName>(name: N): Collection<Documents[N]>;
  /** Runs an operation of the driver: what it throws becomes an error of the catalogue, and it answers within 9 s. */
  ask<T>(operation: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** `mongodb://` or `mongodb+srv://`; the path names the database, `sluice` where there is none. */
  readonly uri: string;
  readonly log: Logger;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

const answerMilliseconds = 9_000;

/**
 * Majority and journal before anything is called written; reads see only what a majority has, from the primary. A
 * write that met an election or a broken connection is repeated once by the driver where the server can tell that it
 * has seen it (replica sets). A server that is frozen is noticed by its heartbeat within 4 s.
 */
const clientOptions: MongoClientOptions = {
  appName: 'sluice',
  writeConcern: { w: 'majority', journal: true },
  readConcern: { level: 'majority' },
  readPreference: 'primary',
  retryWrites: true,
  retryReads: true,
  serverSelectionTimeoutMS: 4_000,
  connectTimeoutMS: 3_000,
  heartbeatFrequencyMS: 1_000,
  minHeartbeatFrequencyMS: 500,
  // Longer than any answer is waited for: it ends connections on which nothing will come any more.
  socketTimeoutMS: 30_000,
  ignoreUndefined: true,
  promoteBuffers: true,
};

const defaultName = 'sluice';

function makeClient(uri: string): MongoClient {
  try {
    return new MongoClient(uri, clientOptions);
  } catch (error) {
    const reason = error instanceof MongoParseError ? error.message : 'it cannot be read';
    throw new SluiceError('CONFIG_INVALID', `MONGODB_URI is not the address of a MongoDB: ${reason}`, { cause: error });
  }
}

/** Where a client looks, without its password. */
const hostsOf = (client: MongoClient): string => client.options.srvHost ?? client.options.hosts.join(',');

/**
 * Connects, waiting for a server that is not there yet. Rejects with `CONFIG_INVALID` for a wrong address, with
 * `STORE_UNAVAILABLE` for a login that is refused, with `STORE_UNSUITABLE` for a server that is not fit.
 */
export async function connectMongodb({ uri, log, signal }: ConnectOptions): Promise<MongodbDatabase> {
  for (let told = false; ; told = true) {
    // A client whose first connect failed is not used again.
    const client = makeClient(uri);
    const db = client.db(client.options.dbName === 'test' && !namesTest(uri) ? defaultName : client.options.dbName);
    try {
      await client.connect();
      const { version, ferretdb } = await checkServer(db);
      log.info({ server: hostsOf(client), version, ferretdb }, told ? 'MongoDB answers now' : 'connected to MongoDB');
      return databaseOf(client, db);
    } catch (error) {
      await client.close();
      if (error instanceof SluiceError) throw error;
      if (isRefusedLogin(error)) throw storeError(error);
      if (isTooOld(error)) {
        throw new SluiceError('STORE_UNSUITABLE', 'MongoDB is too old; Sluice needs 4.4 or later', { cause: error });
      }
      signal.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      log.warn({ server: hostsOf(client), reason }, 'MongoDB does not answer: waiting for it');
      await delay(1_000, undefined, { signal });
    }
  }
}

/** The driver calls a database `test` where the address names none. */
const namesTest = (uri: string): boolean => /^[^?]*\/\/[^/?]+\/test(\?|$)/.test(uri);

const isTooOld = (error: unknown): boolean => error instanceof Error && /maximum wire version/.test(error.message);

function databaseOf(client: MongoClient, db: Db): MongodbDatabase {
  return {
    db,
    collection: (name) => db.collection(name),
    async ask(operation) {
      try {
        return await within(answerMilliseconds, operation());
      } catch (error) {
        throw storeError(error);
      }
    },
    close: () => client.close(),
  };
}
