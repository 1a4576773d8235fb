import type { Rehearsals } from '../ports/rehearsals.ts';
import type { MongodbDatabase } from './client.ts';

/** Few and short-lived: no index but that of `_id`, which is a UUIDv7. */
export interface RehearsalDocument {
  readonly _id: string;
  /** JSON: settings may have any names. */
  readonly overlay: string;
  readonly by: string;
  readonly at: number;
}

export function mongodbRehearsals(database: MongodbDatabase): Rehearsals {
  const rehearsals = database.collection('rehearsals');
  return {
    async propose({ id, overlay, by, at }) {
      await database.ask(() => rehearsals.insertOne({ _id: id, overlay: JSON.stringify(overlay), by, at }));
    },
    async of(process) {
      const found = await database.ask(() => rehearsals.find({ by: process }, { sort: { _id: 1 } }).toArray());
      return found.map(({ _id, overlay, by, at }) => ({ id: _id, overlay: JSON.parse(overlay), by, at }));
    },
    async withdraw(id) {
      await database.ask(() => rehearsals.deleteOne({ _id: id }));
    },
  };
}
