import { type Clock, systemClock } from '../../domain/clock.ts';
import type { Logger } from '../../observability/log.ts';
import { connectMongodb, type MongodbDatabase } from './client.ts';
import { migrate } from './migrate.ts';

/** Times in milliseconds. */
export interface MongodbStoreOptions {
  readonly uri: string;
  readonly log: Logger;
  readonly clock?: Clock;
  /** Ends the waiting for a server that is not there, or for another process that migrates. */
  readonly signal?: AbortSignal;
  /** `worker.ambiguous_delay`: when mail is tried again that may have been sent already. */
  readonly ambiguousDelay: number;
}

/** All storage ports on one MongoDB. */
export interface MongodbStore {
  readonly database: MongodbDatabase;
  close(): Promise<void>;
}

/** Waits for the server, migrates the database where it is needed, and answers every port on it. */
export async function openMongodbStore(options: MongodbStoreOptions): Promise<MongodbStore> {
  const { uri, log, clock = systemClock, signal = new AbortController().signal } = options;
  const database = await connectMongodb({ uri, log, signal });
  try {
    await migrate(database, { log, clock, signal });
  } catch (error) {
    await database.close();
    throw error;
  }
  return {
    database,
    close: () => database.close(),
  };
}
