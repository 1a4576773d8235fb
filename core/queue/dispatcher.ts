import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../domain/clock.ts';
import type { Logger } from '../observability/log.ts';
import type { DispatchStore } from '../storage/ports/wake-ups.ts';
import type { WakeUpQueue } from './wake-up-queue.ts';

/** Messages stamped and sent at once. */
const batch = 500;

export interface DispatcherOptions {
  readonly store: DispatchStore;
  readonly queue: WakeUpQueue;
  readonly clock: Clock;
  readonly log: Logger;
  /** How often the database is asked for what has become due; default 1 s. */
  readonly everyMilliseconds?: number;
  /** After this a wake-up that nobody followed counts as lost, and is sent again; default 30 s. */
  readonly lostMilliseconds?: number;
}

/**
 * Sends wake-ups for mail that has become due, and again for mail whose wake-up got lost. Delays are only in the
 * database, and so is the truth: any number of dispatchers may run, since the stamp of a message is one conditional
 * update, and a queue that was flushed is filled again within `lostMilliseconds`.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> | null = null;
  #failing = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when the round under way has ended. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** One round: everything that is due and not stamped, as far as the queue has room. Answers how much was sent. */
  async round(): Promise<number> {
    const { store, queue, clock, lostMilliseconds = 30_000 } = this.#options;
    let sent = 0;
    let room = await queue.room();
    while (room > 0 && !this.#stop.signal.aborted) {
      const limit = Math.min(batch, room);
      const wakeUps = await store.dispatchable({ limit, sentBefore: clock.now() - lostMilliseconds });
      if (wakeUps.length > 0) queue.send(wakeUps);
      sent += wakeUps.length;
      room = wakeUps.length < limit ? 0 : await queue.room();
    }
    return sent;
  }

  async #run(): Promise<void> {
    const { everyMilliseconds = 1_000, log } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.round();
        if (this.#failing) log.info('mail that becomes due is dispatched again');
        this.#failing = false;
      } catch (error) {
        if (!this.#failing) log.warn({ err: error }, 'due mail cannot be dispatched; workers find it by polling');
        this.#failing = true;
      }
      await delay(everyMilliseconds, undefined, { signal }).catch(() => undefined);
    }
  }
}
