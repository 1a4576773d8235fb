import { type CreateIndexesOptions, type Db, type IndexSpecification, MongoNetworkTimeoutError } from 'mongodb';
import type { CollectionName } from './collections.ts';

/** One index; its name is made from its key. */
export interface Index {
  readonly collection: CollectionName;
  readonly key: Readonly<Record<string, 1 | -1>>;
  readonly unique?: true;
  /** Documents without the field are left out. */
  readonly sparse?: true;
  /** Only documents that match are in it. */
  readonly only?: Readonly<Record<string, unknown>>;
}

/** Makes what is not there yet; on a server in use they are built beside the work. */
export async function createIndexes(database: Db, indexes: readonly Index[]): Promise<void> {
  for (const { collection, key, unique, sparse, only } of indexes) {
    const options: CreateIndexesOptions = {
      ...(unique === true ? { unique } : {}),
      ...(sparse === true ? { sparse } : {}),
      ...(only === undefined ? {} : { partialFilterExpression: only }),
    };
    const specification: IndexSpecification = { ...key };
    await built(() => database.collection(collection).createIndex(specification, options));
  }
}

/** A long build outlasts the connection on which it was asked for, and goes on: asking again waits for its end. */
async function built(create: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await create();
      return;
    } catch (error) {
      if (!(error instanceof MongoNetworkTimeoutError)) throw error;
    }
  }
}
