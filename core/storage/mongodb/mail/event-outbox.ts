import type { MongodbDatabase } from '../client.ts';
import type { PendingEvent } from '../events/event-documents.ts';
import type { EventPublisher } from '../events/event-publisher.ts';

/** Events that a change wrote into a record, and those that the record carried before. */
export interface ChangedEvents {
  readonly id: string;
  readonly earlier: readonly PendingEvent[] | undefined;
  readonly events: readonly PendingEvent[];
}

/**
 * Has events published that stand in records. What a record carried before goes first, since another process may be slow
 * to publish it, or have ended; most of it is there already, though.
 */
export class EventOutbox {
  readonly #database: MongodbDatabase;
  readonly #publisher: EventPublisher;

  constructor(database: MongodbDatabase, publisher: EventPublisher) {
    this.#database = database;
    this.#publisher = publisher;
  }

  /** Not waited for, and never rejects: the sweep of any process publishes what is left. */
  publish(changes: readonly ChangedEvents[]): void {
    const told = changes.filter(({ events }) => events.length > 0);
    if (told.some(({ earlier }) => earlier !== undefined && earlier.length > 0)) void this.#publishInOrder(told);
    else for (const { id, events } of told) this.#publisher.publish({ collection: 'messages', id, events });
  }

  async #publishInOrder(changes: readonly ChangedEvents[]): Promise<void> {
    const keys = changes.flatMap(({ earlier = [] }) => earlier.map(({ key }) => key));
    try {
      const found = await this.#database.ask(() =>
        this.#database
          .collection('events')
          .find({ key: { $in: keys } }, { projection: { key: 1 }, readConcern: { level: 'local' } })
          .toArray(),
      );
      const there = new Set(found.map(({ key }) => key));
      for (const { id, earlier = [], events } of changes) {
        const missing = earlier.filter(({ key }) => !there.has(key));
        this.#publisher.publish({ collection: 'messages', id, events: [...missing, ...events] });
      }
    } catch {
      // They stand in their records.
    }
  }
}
