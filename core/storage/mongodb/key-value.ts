import type { KeyValueStore } from '../ports/key-value.ts';
import type { MongodbDatabase } from './client.ts';
import type { Index } from './indexes.ts';
import { upsert } from './upsert.ts';

export interface KeyValueDocument {
  readonly _id: { readonly plugin: string; readonly key: string };
  /** JSON: values may have any names. */
  readonly value: string;
  /** Absent: for ever. */
  readonly expiresAt?: number;
}

export const keyValueIndexes: readonly Index[] = [{ collection: 'key_values', key: { expiresAt: 1 }, sparse: true }];

/** The values of one plugin id. */
export function mongodbKeyValues(database: MongodbDatabase, plugin: string): KeyValueStore {
  const values = database.collection('key_values');
  return {
    async get(key) {
      const found = await database.ask(() => values.findOne({ _id: { plugin, key } }));
      if (found === null || (found.expiresAt ?? Number.POSITIVE_INFINITY) <= Date.now()) return undefined;
      return JSON.parse(found.value);
    },
    async set(key, value, expiresAt) {
      const document = { value: JSON.stringify(value), ...(expiresAt === undefined ? {} : { expiresAt }) };
      await upsert(() => database.ask(() => values.replaceOne({ _id: { plugin, key } }, document, { upsert: true })));
    },
    async delete(key) {
      await database.ask(() => values.deleteOne({ _id: { plugin, key } }));
    },
  };
}
