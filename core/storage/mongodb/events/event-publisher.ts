import type { AnyBulkWriteOperation, Collection } from 'mongodb';
import type { Logger } from '../../../observability/log.ts';
import type { MongodbDatabase } from '../client.ts';
import { placeOf } from '../mail/slot.ts';
import { type CarrierCollection, carrierCollections, type EventCarrier, type PendingEvent } from './event-documents.ts';
import { EventNumbers } from './event-numbers.ts';

/** A document, and events that stand in it. */
export interface CarriedEvents {
  readonly collection: CarrierCollection;
  readonly id: string | number;
  readonly events: readonly PendingEvent[];
}

/** Carriers that wait; beyond this they are left to the sweep. */
const mostWaiting = 10_000;
const batch = 500;
/** What a process does not publish in this time, in milliseconds, the sweep of any process does. */
const sweptAfter = 5_000;

/**
 * Brings events from the documents in which they were written into the collection in which they are read
 * (decisions: attempts and events). Whatever is lost on the way still stands in its document.
 */
export class EventPublisher {
  readonly #database: MongodbDatabase;
  readonly #numbers: EventNumbers;
  readonly #log: Logger;
  readonly #published: () => void;
  #waiting: CarriedEvents[] = [];
  #running: Promise<void> | null = null;

  /** `published` is told after each batch. */
  constructor(database: MongodbDatabase, options: { readonly log: Logger; readonly published: () => void }) {
    this.#database = database;
    this.#numbers = new EventNumbers(database);
    this.#log = options.log;
    this.#published = options.published;
  }

  /** Publishes soon what was written into a document, in the order in which it is told here. */
  publish(carried: CarriedEvents): void {
    if (carried.events.length === 0 || this.#waiting.length >= mostWaiting) return;
    this.#waiting.push(carried);
    this.#running ??= this.#run();
  }

  /** Resolves when all that was told is published, or was left to the sweep. */
  async drained(): Promise<void> {
    await this.#running;
  }

  /** Publishes what processes left behind; answers of how many documents. */
  async sweep(limit: number, now: number): Promise<number> {
    let found = 0;
    for (const name of carrierCollections) {
      const carriers = await this.#database.ask(() =>
        this.#carriers(name)
          .find({ 'events.at': { $lt: now - sweptAfter } }, { projection: { events: 1 }, limit })
          .toArray(),
      );
      const left = carriers.map(({ _id, events = [] }) => ({ collection: name, id: _id, events }));
      for (let from = 0; from < left.length; from += batch) await this.#move(left.slice(from, from + batch));
      found += left.length;
    }
    return found;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const some = this.#waiting.splice(0, batch);
      try {
        await this.#move(some);
      } catch (error) {
        this.#log.warn({ err: error, documents: some.length }, 'events could not be published; they will be later');
      }
    }
    this.#running = null;
  }

  async #move(carried: readonly CarriedEvents[]): Promise<void> {
    if (carried.length === 0) return;
    await this.#numbers.store(carried.flatMap(({ events }) => events));
    this.#published();
    for (const name of carrierCollections) {
      const writes = carried.filter(({ collection }) => collection === name).map(taken);
      if (writes.length > 0) {
        await this.#database.ask(() => this.#carriers(name).bulkWrite(writes, { ordered: false }));
      }
    }
  }

  #carriers(name: CarrierCollection): Collection<EventCarrier<string | number>> {
    return this.#database.db.collection(name);
  }
}

const taken = ({ id, events }: CarriedEvents): AnyBulkWriteOperation<EventCarrier<string | number>> => ({
  updateOne: {
    filter: typeof id === 'string' ? placeOf(id) : { _id: id },
    update: { $pull: { events: { key: { $in: events.map(({ key }) => key) } } } },
  },
});
