import type { Collection } from 'mongodb';
import type { MongodbDatabase } from './client.ts';

/** A document that was removed stays, marked, until the audit log has been told of it (docs/decisions/0008). */
export interface Removable {
  readonly _id: string;
  readonly removed?: true;
}

/** What is still there. */
export const there = { removed: { $exists: false } };

const removableCollections = ['blacklist', 'webhooks'] as const;
type RemovableCollection = (typeof removableCollections)[number];

const told = { removed: true, 'outbox.0': { $exists: false } } as const;

const documents = (database: MongodbDatabase, name: RemovableCollection): Collection<Removable> =>
  database.db.collection(name);

/** Deletes a document that is marked as removed, if it has told so. Never rejects: a sweep does the same. */
export async function forgetRemoved(database: MongodbDatabase, name: RemovableCollection, _id: string): Promise<void> {
  await database.ask(() => documents(database, name).deleteOne({ _id, ...told })).catch(() => undefined);
}

/** Deletes all that were removed and have told so; answers how many. */
export async function sweepRemoved(database: MongodbDatabase): Promise<number> {
  let deleted = 0;
  for (const name of removableCollections) {
    const { deletedCount } = await database.ask(() => documents(database, name).deleteMany(told));
    deleted += deletedCount;
  }
  return deleted;
}
