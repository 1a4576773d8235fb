import { reply } from '../../core/domain/reply.ts';
import type { Logger } from '../../core/observability/log.ts';
import type { Breaker } from './breaker.ts';
import { SessionError } from './session-error.ts';
import { monotonic, type UpstreamConnection } from './upstream-connection.ts';

export interface PoolSettings {
  readonly connections: number;
  readonly messagesPerConnection: number;
  /** Milliseconds. */
  readonly idle: number;
  /** How often deadlines are looked at, in milliseconds. */
  readonly tick: number;
}

/** The breaker holds mail back; `until` is when this message may come again. */
export class HeldBack extends Error {
  override readonly name = 'HeldBack';
  readonly until: number;

  constructor(until: number) {
    super('the upstream cannot be reached');
    this.until = until;
  }
}

/** No session could be had for this message. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
  readonly until: number;
  readonly session: SessionError;

  constructor(until: number, session: SessionError) {
    super(session.message, { cause: session });
    this.until = until;
    this.session = session;
  }
}

interface Waiter {
  readonly resolve: (connection: UpstreamConnection) => void;
  readonly reject: (reason: unknown) => void;
}

const endedAtOnce = reply(451, '4.4.2', 'the upstream ended the session as soon as it had begun');
const notPrepared = reply(451, '4.3.5', 'the connection could not be prepared');

/** After an upstream refused one more connection, how long none is added to those that work, in milliseconds. */
const growthPause = 10_000;

/**
 * The connections to one upstream: opened as mail wants them, kept for many messages, handed from one to the next
 * without a pause. One timer looks at all their deadlines.
 */
export class ConnectionPool {
  readonly #settings: PoolSettings;
  readonly #breaker: Breaker;
  readonly #connect: () => UpstreamConnection;
  readonly #log: Logger;
  readonly #all = new Set<UpstreamConnection>();
  /** The last one used comes first: the others grow idle and are closed. */
  readonly #idle: UpstreamConnection[] = [];
  readonly #waiting: Waiter[] = [];
  #opening = 0;
  /** Connections that failed since one last worked. */
  #failures = 0;
  #noGrowthUntil = 0;
  #ticker: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(settings: PoolSettings, breaker: Breaker, connect: () => UpstreamConnection, log: Logger) {
    this.#settings = settings;
    this.#breaker = breaker;
    this.#connect = connect;
    this.#log = log;
  }

  get size(): number {
    return this.#all.size;
  }

  /** Those that wait for mail. */
  get idle(): number {
    return this.#idle.length;
  }

  /**
   * A connection that is ready for MAIL; give it back by `release`. Rejects with `HeldBack` or `Unreachable`, or with
   * the signal's reason. `fresh` asks, after a stale one, for one that was not used yet.
   */
  acquire(signal: AbortSignal, fresh = false): Promise<UpstreamConnection> | UpstreamConnection {
    if (!fresh) {
      const passage = this.#breaker.pass();
      if (!passage.pass) return Promise.reject(new HeldBack(passage.until));
      for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) if (idle.usable) return idle;
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { resolve, reject };
      this.#waiting.push(waiter);
      this.#grow();
      const onAbort = () => {
        const index = this.#waiting.indexOf(waiter);
        if (index === -1) return;
        this.#waiting.splice(index, 1);
        this.#breaker.undecided();
        reject(signal.reason);
      };
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Takes back a connection after its transaction. */
  release(connection: UpstreamConnection): void {
    if (!connection.usable) return;
    if (this.#closed || connection.transactions >= this.#settings.messagesPerConnection) {
      this.#dismiss(connection);
      this.#grow();
      return;
    }
    const waiter = this.#waiting.shift();
    if (waiter !== undefined) waiter.resolve(connection);
    else this.#idle.push(connection);
  }

  /** Takes leave of the upstream. Connections in use end with their transaction. */
  close(): void {
    this.#closed = true;
    for (const connection of this.#idle.splice(0)) this.#dismiss(connection);
  }

  #dismiss(connection: UpstreamConnection): void {
    this.#forget(connection);
    connection.leave();
  }

  #grow(): void {
    while (this.#opening < this.#waiting.length && this.#all.size < this.#settings.connections) {
      if (this.#all.size > 0 && monotonic() < this.#noGrowthUntil) return;
      void this.#open();
    }
  }

  async #open(): Promise<void> {
    const connection = this.#connect();
    this.#opening += 1;
    this.#all.add(connection);
    this.#ticker ??= setInterval(() => this.#tick(), this.#settings.tick).unref();
    let failure: SessionError | null = null;
    try {
      await connection.open();
      if (!connection.usable) failure = new SessionError('hello', endedAtOnce, false, null);
    } catch (error) {
      failure = error instanceof SessionError ? error : new SessionError('connect', notPrepared, true, error);
    }
    this.#opening -= 1;
    if (failure !== null) {
      this.#forget(connection);
      this.#failed(failure);
      return;
    }
    this.#failures = 0;
    connection.onGone = () => this.#gone(connection);
    this.release(connection);
  }

  #failed(error: SessionError): void {
    this.#failures += 1;
    if (this.#all.size > 0) {
      // Others work, or may yet: the upstream perhaps takes no more at once. Whoever waits gets the next that is free.
      this.#noGrowthUntil = monotonic() + growthPause;
      this.#log.debug({ err: error }, 'one more connection was refused');
      return;
    }
    const failures = this.#failures;
    this.#failures = 0;
    this.#noGrowthUntil = 0;
    for (let n = 0; n < failures; n++) {
      const until = this.#breaker.failed(error.ours);
      this.#waiting.shift()?.reject(new Unreachable(until, error));
    }
    if (this.#breaker.isOpen) {
      for (const waiter of this.#waiting.splice(0)) waiter.reject(new HeldBack(this.#breaker.later()));
    } else this.#grow();
  }

  #gone(connection: UpstreamConnection): void {
    this.#forget(connection);
    const index = this.#idle.indexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
    this.#grow();
  }

  #forget(connection: UpstreamConnection): void {
    this.#all.delete(connection);
    if (this.#all.size > 0 || this.#ticker === null) return;
    clearInterval(this.#ticker);
    this.#ticker = null;
  }

  #tick(): void {
    const now = monotonic();
    for (const connection of this.#all)
      if (connection.deadline < now) connection.abandon('the upstream does not answer');
    while (this.#idle[0] !== undefined && now - this.#idle[0].idleSince > this.#settings.idle) {
      const oldest = this.#idle.shift();
      if (oldest !== undefined) this.#dismiss(oldest);
    }
  }
}
