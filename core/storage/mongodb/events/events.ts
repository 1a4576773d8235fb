import { type EventFilter, isMeant } from '../../../domain/event.ts';
import type { Logger } from '../../../observability/log.ts';
import { type EventPage, type Events, eventsKeptFor } from '../../ports/events.ts';
import type { MongodbDatabase } from '../client.ts';
import { eventOf } from './event-documents.ts';

/** How often a process that watches looks for events of others, in milliseconds. */
const lookEvery = 1_000;

/** Reads events by their numbers. */
export class MongodbEvents implements Events {
  readonly #database: MongodbDatabase;
  readonly #log: Logger;
  readonly #listeners = new Set<{ readonly listen: () => void }>();
  #timer: NodeJS.Timeout | undefined;
  /** Newest event that the listeners were told of. */
  #told = 0;

  constructor(database: MongodbDatabase, log: Logger) {
    this.#database = database;
    this.#log = log;
  }

  async list(filter: EventFilter, { after, limit }: { after: number; limit: number }): Promise<EventPage> {
    const found = await this.#database.ask(() =>
      this.#events.find({ _id: { $gt: after } }, { sort: { _id: 1 }, limit }).toArray(),
    );
    const events = found.map(eventOf).filter((event) => isMeant(event, filter));
    return { events, through: found.at(-1)?._id ?? after, more: found.length === limit };
  }

  async bounds(): Promise<{ oldest: number; newest: number }> {
    const [oldest, newest] = await Promise.all([this.#end(1), this.#end(-1)]);
    return { oldest: oldest ?? (newest ?? 0) + 1, newest: newest ?? 0 };
  }

  watch(listener: () => void): () => void {
    const entry = { listen: listener };
    this.#listeners.add(entry);
    this.#timer ??= setInterval(() => void this.#look(), lookEvery).unref();
    return () => {
      this.#listeners.delete(entry);
      if (this.#listeners.size === 0) this.close();
    };
  }

  /** This process published some. */
  told(): void {
    for (const { listen } of [...this.#listeners]) listen();
  }

  /** Deletes up to `limit` events past their time, but never the newest, from whose number the next one counts on. */
  async sweep(limit: number, now: number): Promise<number> {
    const newest = (await this.#end(-1)) ?? 0;
    const over = { at: { $lt: now - eventsKeptFor }, _id: { $lt: newest } };
    const found = await this.#database.ask(() =>
      this.#events.find(over, { sort: { at: 1 }, limit, projection: { _id: 1 } }).toArray(),
    );
    if (found.length === 0) return 0;
    await this.#database.ask(() => this.#events.deleteMany({ _id: { $in: found.map(({ _id }) => _id) } }));
    return found.length;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #look(): Promise<void> {
    try {
      const newest = (await this.#end(-1)) ?? 0;
      if (newest === this.#told) return;
      this.#told = newest;
      this.told();
    } catch (error) {
      this.#log.debug({ err: error }, 'new events could not be looked for');
    }
  }

  async #end(direction: 1 | -1): Promise<number | undefined> {
    const options = { sort: { _id: direction }, projection: { _id: 1 } } as const;
    return (await this.#database.ask(() => this.#events.findOne({}, options)))?._id;
  }

  get #events() {
    return this.#database.collection('events');
  }
}
