import type { EventFilter, SluiceEvent } from '../domain/event.ts';
import type { EventFeed } from './event-feed.ts';

/** Goes through the events that are meant, one reader at a time, and waits where there is nothing more. */
export class EventCursor {
  readonly #feed: EventFeed;
  readonly #filter: EventFilter;
  readonly #unfollow: () => void;
  #position: number;
  #fresh = false;
  #wake: () => void = () => {};

  /** Begins with what comes after the id `after`. */
  constructor(feed: EventFeed, filter: EventFilter, after: number) {
    this.#feed = feed;
    this.#filter = filter;
    this.#position = after;
    this.#unfollow = feed.follow(() => {
      this.#fresh = true;
      this.#wake();
    });
  }

  /** Every event up to this id was answered, or is not meant. */
  get position(): number {
    return this.#position;
  }

  /** The next events; none after `patience` milliseconds without any, or once the signal aborts. */
  async next(patience: number, signal: AbortSignal): Promise<readonly SluiceEvent[]> {
    const until = performance.now() + patience;
    while (!signal.aborted) {
      this.#fresh = false;
      const { events, through, more } = await this.#feed.read(this.#filter, this.#position);
      this.#position = through;
      if (events.length > 0) return events;
      if (more) continue;
      const left = until - performance.now();
      if (left <= 0) break;
      if (!this.#fresh) await this.#wait(left, signal);
    }
    return [];
  }

  close(): void {
    this.#unfollow();
  }

  #wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#wake = () => {};
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      signal.addEventListener('abort', done);
      this.#wake = done;
      if (signal.aborted) done();
    });
  }
}
