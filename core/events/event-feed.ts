import { type EventFilter, isMeant, type SluiceEvent } from '../domain/event.ts';
import type { Logger } from '../observability/log.ts';
import type { EventPage, Events } from '../storage/ports/events.ts';

/** Events kept in memory for those who follow closely; whoever is further behind reads the store. */
const mostRecent = 500;
const pageSize = 500;
const retryMilliseconds = 1_000;

/**
 * The events as they come, read from the store once for all of a process who follow them, and not at all while
 * nobody does.
 */
export class EventFeed {
  readonly #events: Events;
  readonly #log: Logger;
  readonly #followers = new Set<{ readonly wake: () => void }>();
  #recent: SluiceEvent[] = [];
  /** What is in memory comes after this id and reaches to `#through`; null before the first look. */
  #after: number | null = null;
  #through = 0;
  #unwatch: (() => void) | null = null;
  #stale = false;
  #reading = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: { readonly events: Events; readonly log: Logger }) {
    this.#events = options.events;
    this.#log = options.log;
  }

  bounds(): ReturnType<Events['bounds']> {
    return this.#events.bounds();
  }

  /** Calls `wake` when there may be something new. Answers the function that ends it. */
  follow(wake: () => void): () => void {
    const follower = { wake };
    this.#followers.add(follower);
    if (this.#unwatch === null) {
      this.#unwatch = this.#events.watch(() => this.#look());
      this.#look();
    }
    return () => {
      this.#followers.delete(follower);
      if (this.#followers.size === 0) this.#stop();
    };
  }

  /** Some of the events after the id `after` that are meant: from memory, or from the store. */
  async read(filter: EventFilter, after: number): Promise<EventPage> {
    if (this.#after === null || after < this.#after) return await this.#events.list(filter, { after, limit: pageSize });
    const through = Math.max(after, this.#through);
    return { events: this.#recent.filter((one) => one.id > after && isMeant(one, filter)), through, more: false };
  }

  #stop(): void {
    this.#unwatch?.();
    this.#unwatch = null;
    clearTimeout(this.#retry);
    this.#recent = [];
    this.#after = null;
  }

  #look(): void {
    this.#stale = true;
    if (this.#reading) return;
    this.#reading = true;
    this.#readAll()
      .catch((error: unknown) => {
        this.#log.warn({ err: error }, 'events cannot be read; trying again');
        clearTimeout(this.#retry);
        if (this.#unwatch !== null) this.#retry = setTimeout(() => this.#look(), retryMilliseconds);
      })
      .finally(() => {
        this.#reading = false;
        if (this.#stale && this.#retry === undefined && this.#unwatch !== null) this.#look();
      });
  }

  async #readAll(): Promise<void> {
    this.#retry = undefined;
    while (this.#stale && this.#unwatch !== null) {
      this.#stale = false;
      let after = this.#after === null ? (await this.#events.bounds()).newest : this.#through;
      for (let more = true; more; ) {
        const page = await this.#events.list({}, { after, limit: pageSize });
        if (this.#unwatch === null) return;
        this.#take(after, page);
        after = page.through;
        more = page.more;
      }
    }
  }

  #take(after: number, { events, through }: EventPage): void {
    this.#after ??= after;
    this.#recent.push(...events);
    this.#through = through;
    const surplus = this.#recent.length - mostRecent;
    if (surplus > 0) this.#after = this.#recent.splice(0, surplus).at(-1)?.id ?? this.#after;
    if (events.length > 0) for (const { wake } of [...this.#followers]) wake();
  }
}
