import type { EventFilter } from '../../core/domain/event.ts';
import { EventCursor } from '../../core/events/event-cursor.ts';
import type { EventFeed } from '../../core/events/event-feed.ts';
import { eventView } from './event-view.ts';

/** Where a stream begins. */
export interface StreamStart {
  /** Events after this id are told. */
  readonly after: number;
  /** The id that the client had seen last, where not all that followed is kept any more. */
  readonly missedAfter: number | null;
}

/** Finds out where a client goes on that has seen events up to `seen`; null: one that begins now. */
export async function startOf(feed: EventFeed, seen: number | null): Promise<StreamStart> {
  const { oldest, newest } = await feed.bounds();
  if (seen === null) return { after: newest, missedAfter: null };
  if (seen > newest) return { after: newest, missedAfter: seen };
  return seen + 1 < oldest ? { after: oldest - 1, missedAfter: seen } : { after: seen, missedAfter: null };
}

/** How long a browser waits before it connects again, in milliseconds. */
const reconnection = 2_000;

const frame = (id: number, type: string, data: object): string =>
  `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;

/**
 * One client's stream of events, as text of `text/event-stream`. It holds a position, not events: a client that reads
 * slowly is a stream that is asked seldom, and costs no memory.
 */
export class EventStream implements AsyncIterableIterator<string> {
  readonly #text: AsyncGenerator<string>;
  readonly #end = new AbortController();
  readonly #cut = new AbortController();
  readonly #ended: () => void;
  /** Since when the client has not asked for more; null while it waits for us. */
  #owing: number | null = performance.now();

  /** `ended` is called once, whatever ends the stream. */
  constructor(options: {
    readonly feed: EventFeed;
    readonly filter: EventFilter;
    readonly start: StreamStart;
    readonly heartbeatMilliseconds: number;
    readonly ended: () => void;
  }) {
    this.#ended = options.ended;
    this.#text = this.#write(options);
  }

  /** Aborted when the connection has to be cut: the client does not read. */
  get cut(): AbortSignal {
    return this.#cut.signal;
  }

  /** Milliseconds for which the client has taken nothing of what there is for it. */
  get stalled(): number {
    return this.#owing === null ? 0 : performance.now() - this.#owing;
  }

  /** Ends the stream: in order where the client reads, else by cutting the connection. */
  end(): void {
    const waiting = this.#owing === null;
    this.#end.abort();
    if (!waiting) this.#cut.abort();
    this.#ended();
  }

  async next(): Promise<IteratorResult<string>> {
    this.#owing = null;
    try {
      const piece = await this.#text.next();
      if (piece.done === true) this.#ended();
      return piece;
    } catch (error) {
      this.#ended();
      throw error;
    } finally {
      this.#owing = performance.now();
    }
  }

  /** The client is gone. */
  async return(): Promise<IteratorResult<string>> {
    this.#end.abort();
    this.#ended();
    return await this.#text.return(undefined);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async *#write(options: {
    readonly feed: EventFeed;
    readonly filter: EventFilter;
    readonly start: StreamStart;
    readonly heartbeatMilliseconds: number;
  }): AsyncGenerator<string> {
    const { feed, filter, start, heartbeatMilliseconds } = options;
    const { after, missedAfter } = start;
    const { signal } = this.#end;
    const cursor = new EventCursor(feed, filter, after);
    try {
      yield `retry: ${reconnection}\n\n`;
      if (missedAfter !== null) {
        yield frame(after, 'missed', { type: 'missed', after: missedAfter, next: after + 1 });
      }
      while (!signal.aborted) {
        const events = await cursor.next(heartbeatMilliseconds, signal);
        if (signal.aborted) return;
        yield events.length === 0
          ? ':\n\n'
          : events.map((event) => frame(event.id, event.type, eventView(event))).join('');
      }
    } finally {
      cursor.close();
    }
  }
}
