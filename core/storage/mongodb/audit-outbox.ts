import type { Collection } from 'mongodb';
import type { AuditEntry } from '../ports/audit-log.ts';
import type { MongodbDatabase } from './client.ts';
import type { Index } from './indexes.ts';
import { placeOf } from './mail/slot.ts';
import { isDuplicateKey } from './store-error.ts';

/** An entry of the audit log, and what it can be searched by. `entry` is JSON: its values may have any names. */
export interface AuditDocument {
  readonly _id: string;
  readonly at: number;
  readonly userId: string | null;
  readonly action: string;
  readonly subjectKind: string;
  readonly subjectId: string;
  readonly entry: string;
}

/** What carries the entries that tell of its changes until they are in the log. */
export interface Audited {
  readonly _id: string;
  readonly outbox?: readonly AuditDocument[];
}

/** Collections whose documents carry an outbox; each has an index on it. */
export const auditedCollections = [
  'users',
  'credentials',
  'setup',
  'api_keys',
  'sessions',
  'session_ends',
  'blacklist',
  'webhooks',
  'messages',
] as const;
export type AuditedCollection = (typeof auditedCollections)[number];

export const outboxIndexes: readonly Index[] = auditedCollections.map((collection) => ({
  collection,
  key: { 'outbox.at': 1 },
  sparse: true,
}));

export function auditDocument(entry: AuditEntry): AuditDocument {
  const { id, at, actor, action, subject } = entry;
  return {
    _id: id,
    at,
    userId: 'userId' in actor ? actor.userId : null,
    action,
    subjectKind: subject.kind,
    subjectId: subject.id,
    entry: JSON.stringify(entry),
  };
}

/** The outbox of a new document. */
export const outboxOf = (entry: AuditEntry | undefined): { outbox?: AuditDocument[] } =>
  entry === undefined ? {} : { outbox: [auditDocument(entry)] };

/** Brings entries from the documents that carry them into the log (docs/decisions/0008). */
export class AuditOutbox {
  readonly #database: MongodbDatabase;

  constructor(database: MongodbDatabase) {
    this.#database = database;
  }

  /**
   * After a change that carried `entry`. Never rejects: the change is durable and its entry with it, and what cannot be
   * brought into the log now will be by the next sweep.
   */
  async publish(collection: AuditedCollection, id: string, entry: AuditEntry | undefined): Promise<void> {
    if (entry === undefined) return;
    await this.#move(collection, id, [auditDocument(entry)]).catch(() => undefined);
  }

  /** Publishes what processes left behind that ended, or lost the database, in between. */
  async sweep(limit: number): Promise<number> {
    let moved = 0;
    for (const name of auditedCollections) {
      const carriers = this.#carriers(name).find({ 'outbox.at': { $gte: 0 } }, { projection: { outbox: 1 }, limit });
      for (const { _id, outbox } of await this.#database.ask(() => carriers.toArray())) {
        if (outbox === undefined || outbox.length === 0) continue;
        await this.#move(name, _id, outbox);
        moved += outbox.length;
      }
    }
    return moved;
  }

  async #move(collection: AuditedCollection, id: string, entries: readonly AuditDocument[]): Promise<void> {
    for (const entry of entries) {
      try {
        await this.#database.ask(() => this.#database.collection('audit_log').insertOne(entry));
      } catch (error) {
        // Somebody else has brought it there.
        if (!isDuplicateKey(error)) throw error;
      }
    }
    const ids = entries.map(({ _id }) => _id);
    await this.#database.ask(() =>
      this.#carriers(collection).updateOne(collection === 'messages' ? placeOf(id) : { _id: id }, {
        $pull: { outbox: { _id: { $in: ids } } },
      }),
    );
  }

  #carriers(name: AuditedCollection): Collection<Audited> {
    return this.#database.db.collection<Audited>(name);
  }
}
