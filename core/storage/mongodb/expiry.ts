import type { Collection, Document } from 'mongodb';
import type { Clock } from '../../domain/clock.ts';
import { dayMilliseconds } from '../rules/time-spans.ts';
import type { MongodbDatabase } from './client.ts';
import type { CollectionName } from './collections.ts';

interface Expiry {
  readonly collection: CollectionName;
  /** Field that says when it ends, in milliseconds since the epoch. */
  readonly field: string;
  /** How long it is kept beyond, in milliseconds. */
  readonly kept: number;
}

const hour = 3_600_000;

const expiries: readonly Expiry[] = [
  { collection: 'sessions', field: 'expiresAt', kept: 0 },
  { collection: 'idempotency_keys', field: 'expiresAt', kept: 0 },
  { collection: 'key_values', field: 'expiresAt', kept: 0 },
  { collection: 'blacklist', field: 'endsAt', kept: 0 },
  // Addresses a credential logged in from are known for 30 days, changes are told of for a year.
  { collection: 'known_addresses', field: 'at', kept: 30 * dayMilliseconds },
  { collection: 'audit_log', field: 'at', kept: 366 * dayMilliseconds },
  { collection: 'processes', field: 'at', kept: hour },
  { collection: 'rehearsals', field: 'at', kept: hour },
];

/** Deletes up to `limit` documents that are past their time from each collection; answers how many. */
export async function deleteExpired(database: MongodbDatabase, clock: Clock, limit: number): Promise<number> {
  let deleted = 0;
  for (const { collection: name, field, kept } of expiries) {
    const collection: Collection<Document> = database.db.collection(name);
    // What still has to tell the audit log something is left for the next sweep.
    const over = { [field]: { $lte: clock.now() - kept }, 'outbox.0': { $exists: false } };
    const found = await database.ask(() => collection.find(over, { projection: { _id: 1 }, limit }).toArray());
    if (found.length === 0) continue;
    const ids = found.map(({ _id }) => _id);
    const { deletedCount } = await database.ask(() => collection.deleteMany({ _id: { $in: ids }, ...over }));
    deleted += deletedCount;
  }
  return deleted;
}
