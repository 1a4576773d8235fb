import { SluiceError } from '../../core/domain/errors.ts';
import type { EventFilter } from '../../core/domain/event.ts';
import type { EventFeed } from '../../core/events/event-feed.ts';
import type { Logger } from '../../core/observability/log.ts';
import type { Caller } from '../route.ts';
import { EventStream, startOf } from './event-stream.ts';

/** Milliseconds. */
export interface EventStreamTimes {
  /** A comment is sent after so long without an event, so that proxies keep the connection. */
  readonly heartbeat: number;
  /** How often is asked whether the caller may still listen. */
  readonly recheck: number;
  /** A client that takes nothing for so long, though there is something for it, is cut off. */
  readonly stall: number;
}
export const defaultStreamTimes: EventStreamTimes = { heartbeat: 15_000, recheck: 3_000, stall: 30_000 };

export interface EventStreamsOptions {
  readonly feed: EventFeed;
  readonly log: Logger;
  readonly limits: { readonly streams: number; readonly streams_per_user: number };
  readonly times?: EventStreamTimes;
}

interface OpenStream {
  readonly stream: EventStream;
  readonly caller: Caller;
  /** Who calls, asked anew; null for whoever may not any more. */
  readonly callerNow: () => Promise<Caller | null>;
}

/** The streams of events that are open: how many there may be, and what ends them besides their clients. */
export class EventStreams {
  readonly #options: EventStreamsOptions;
  readonly #times: EventStreamTimes;
  readonly #open = new Set<OpenStream>();
  #timer: NodeJS.Timeout | undefined;
  #checking = false;
  #closed = false;

  constructor(options: EventStreamsOptions) {
    this.#options = options;
    this.#times = options.times ?? defaultStreamTimes;
  }

  /**
   * Opens a stream of what comes after the event `seen` (null: after the newest). Rejects with `RATE_LIMITED` where too
   * many are open.
   */
  async open(request: {
    readonly caller: Caller;
    readonly callerNow: OpenStream['callerNow'];
    readonly filter: EventFilter;
    readonly seen: number | null;
  }): Promise<EventStream> {
    const { caller, callerNow, filter, seen } = request;
    const { feed } = this.#options;
    const start = await startOf(feed, seen);
    this.#admit(caller);
    const stream = new EventStream({
      feed,
      filter,
      start,
      heartbeatMilliseconds: this.#times.heartbeat,
      ended: () => this.#forget(one),
    });
    const one = { stream, caller, callerNow };
    this.#open.add(one);
    this.#timer ??= setInterval(() => this.#check(), Math.min(this.#times.recheck, this.#times.stall)).unref();
    return stream;
  }

  /** Ends them all, and lets nobody open another. */
  close(): void {
    this.#closed = true;
    for (const { stream } of [...this.#open]) stream.end();
  }

  #admit({ userId }: Caller): void {
    const { streams, streams_per_user } = this.#options.limits;
    if (this.#closed) throw new SluiceError('RATE_LIMITED', 'the server is being stopped; connect again in a moment');
    if (this.#open.size >= streams) {
      throw new SluiceError('RATE_LIMITED', `${streams} streams are open, which is the most; try again later`);
    }
    const own = [...this.#open].filter(({ caller }) => caller.userId === userId).length;
    if (own >= streams_per_user) {
      throw new SluiceError('RATE_LIMITED', `you have ${own} streams open, which is the most; close one first`);
    }
  }

  #forget(one: OpenStream): void {
    this.#open.delete(one);
    if (this.#open.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #check(): void {
    for (const { stream, caller } of [...this.#open]) {
      if (stream.stalled <= this.#times.stall) continue;
      this.#options.log.warn({ user: caller.userId }, 'a stream of events is cut: its client takes nothing');
      stream.end();
    }
    if (this.#checking) return;
    this.#checking = true;
    Promise.all(Array.from(this.#open, (one) => this.#checkCaller(one))).finally(() => {
      this.#checking = false;
    });
  }

  /** Whoever cannot be asked about is not let on: the client comes back when the store does. */
  async #checkCaller({ stream, caller, callerNow }: OpenStream): Promise<void> {
    try {
      const now = await callerNow();
      if (now !== null && now.userId === caller.userId && now.role === caller.role) return;
    } catch (error) {
      this.#options.log.warn({ err: error }, 'a stream of events ends: its right could not be looked up');
    }
    stream.end();
  }
}
