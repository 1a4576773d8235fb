import { type Collection, MongoBulkWriteError } from 'mongodb';
import type { MongodbDatabase } from '../client.ts';
import { isDuplicateKey } from '../store-error.ts';
import type { EventDocument, PendingEvent } from './event-documents.ts';

/**
 * Gives events their numbers, each one more than the last. Of several processes that want the same number the index
 * lets one have it; the other reads on. Inserts are in order, so that no number is left out and none comes into sight
 * after a higher one.
 */
export class EventNumbers {
  readonly #database: MongodbDatabase;
  readonly #events: Collection<EventDocument>;
  /** What would be the next number if nobody else had published meanwhile. */
  #next: number | null = null;

  constructor(database: MongodbDatabase) {
    this.#database = database;
    this.#events = database.collection('events');
  }

  /** Stores events in this order; those that are there already stay where they are. */
  async store(pending: readonly PendingEvent[]): Promise<void> {
    let left = pending;
    while (left.length > 0) {
      const first = this.#next ?? (await this.#newest()) + 1;
      this.#next = null;
      const stored = await this.#insert(left.map((event, n) => ({ _id: first + n, ...event })));
      const [refused] = left.slice(stored);
      if (refused === undefined) {
        this.#next = first + stored;
        return;
      }
      const published = await this.#isThere(refused.key);
      left = left.slice(published ? stored + 1 : stored);
      if (published) this.#next = first + stored;
    }
  }

  /** How many from the start were stored before one was refused. */
  async #insert(documents: readonly EventDocument[]): Promise<number> {
    try {
      await this.#database.ask(() => this.#events.insertMany(documents, { ordered: true }));
      return documents.length;
    } catch (error) {
      const { cause } = error as Error;
      if (!isDuplicateKey(error) || !(cause instanceof MongoBulkWriteError)) throw error;
      const [refused] = [cause.writeErrors].flat();
      if (refused === undefined) throw error;
      return refused.index;
    }
  }

  /** What the primary has, whether a majority has it or not: its numbers are taken. */
  async #newest(): Promise<number> {
    const options = { sort: { _id: -1 }, projection: { _id: 1 }, readConcern: { level: 'local' } } as const;
    return (await this.#database.ask(() => this.#events.findOne({}, options)))?._id ?? 0;
  }

  async #isThere(key: string): Promise<boolean> {
    const options = { projection: { _id: 1 }, readConcern: { level: 'local' } } as const;
    return (await this.#database.ask(() => this.#events.findOne({ key }, options))) !== null;
  }
}
