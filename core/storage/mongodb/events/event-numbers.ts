import { setTimeout as pause } from 'node:timers/promises';
import { type Collection, MongoBulkWriteError } from 'mongodb';
import type { MongodbDatabase } from '../client.ts';
import { isDuplicateKey } from '../store-error.ts';
import type { EventDocument, PendingEvent } from './event-documents.ts';

const mostTogether = 500;
const fewestTogether = 8;
/** How long another process that was faster is left alone at most, in milliseconds. */
const mostPause = 20;

/**
 * Gives events their numbers, each one more than the last. Of several processes that want the same number the index
 * lets one have it; the other reads on. Inserts are in order, so that no number is left out and none comes into sight
 * after a higher one.
 */
export class EventNumbers {
  readonly #database: MongodbDatabase;
  readonly #events: Collection<EventDocument>;
  /** Sent at once: fewer where others publish, too, since all behind a number that is taken is sent in vain. */
  #together = mostTogether;

  constructor(database: MongodbDatabase) {
    this.#database = database;
    this.#events = database.collection('events');
  }

  /** Stores events in this order; those that are there already stay where they are. */
  async store(pending: readonly PendingEvent[]): Promise<void> {
    let left = pending;
    // What is next by what this process has done; another one may have published since the last call.
    let next: number | null = null;
    while (left.length > 0) {
      const some = left.slice(0, this.#together);
      const first: number = next ?? (await this.#newest()) + 1;
      next = null;
      const stored = await this.#insert(some.map((event, n) => ({ _id: first + n, ...event })));
      const refused = some[stored];
      left = left.slice(stored);
      // Where one is there already, others of the same batch are: each would have the rest sent once more.
      const published = refused === undefined ? null : await this.#published(left.map(({ key }) => key));
      if (published !== null) left = left.filter(({ key }) => !published.has(key));
      if (refused === undefined || published?.has(refused.key) === true) {
        next = first + stored;
        this.#together = Math.min(mostTogether, this.#together * 2);
      } else {
        this.#together = Math.max(fewestTogether, Math.floor(this.#together / 4));
        await pause(Math.random() * mostPause);
      }
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

  /** Which of these events are stored. */
  async #published(keys: readonly string[]): Promise<ReadonlySet<string>> {
    const options = { projection: { _id: 0, key: 1 }, readConcern: { level: 'local' } } as const;
    const found = await this.#database.ask(() => this.#events.find({ key: { $in: [...keys] } }, options).toArray());
    return new Set(found.map(({ key }) => key));
  }
}
