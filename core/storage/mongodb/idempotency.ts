import type { IdempotencyStore } from '../ports/idempotency.ts';
import type { MongodbDatabase } from './client.ts';
import type { Index } from './indexes.ts';
import { isDuplicateKey } from './store-error.ts';

export interface IdempotencyDocument {
  readonly _id: string;
  readonly digest: string;
  readonly answer: string | null;
  readonly expiresAt: number;
}

export const idempotencyIndexes: readonly Index[] = [{ collection: 'idempotency_keys', key: { expiresAt: 1 } }];

export function mongodbIdempotency(database: MongodbDatabase): IdempotencyStore {
  const keys = database.collection('idempotency_keys');
  const inserted = async (document: IdempotencyDocument): Promise<boolean> => {
    try {
      await database.ask(() => keys.insertOne(document));
      return true;
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      return false;
    }
  };
  return {
    async begin(_id, digest, at, expiresAt) {
      for (;;) {
        if (await inserted({ _id, digest, answer: null, expiresAt })) return { state: 'new' };
        const found = await database.ask(() => keys.findOne({ _id }));
        // It was abandoned in between.
        if (found === null) continue;
        if (found.expiresAt > at) {
          const { digest: known, answer } = found;
          return answer === null
            ? { state: 'unfinished', digest: known }
            : { state: 'answered', digest: known, answer };
        }
        const { matchedCount } = await database.ask(() =>
          keys.updateOne({ _id, expiresAt: { $lte: at } }, { $set: { digest, answer: null, expiresAt } }),
        );
        if (matchedCount === 1) return { state: 'new' };
      }
    },
    async finish(_id, answer) {
      await database.ask(() => keys.updateOne({ _id }, { $set: { answer } }));
    },
    async abandon(_id) {
      await database.ask(() => keys.deleteOne({ _id }));
    },
  };
}
