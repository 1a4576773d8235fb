import type { Db } from 'mongodb';
import type { Clock } from '../../../domain/clock.ts';
import { dayMilliseconds } from '../../rules/time-spans.ts';
import { isDuplicateKey } from '../store-error.ts';

interface ClockDocument {
  readonly _id: 'clock';
  readonly at: Date;
}

/**
 * The time of the database server, carried on by this process's monotonic clock: leases and days of all processes go
 * by one clock, and a step of a host's own clock ends no lease.
 */
export class ServerClock implements Clock {
  readonly #db: Db;
  /** Server time minus monotonic time at the last reading. */
  #offset = 0;

  constructor(db: Db) {
    this.#db = db;
  }

  now(): number {
    return this.#offset + performance.now();
  }

  /** Days since the epoch, UTC. */
  today(): number {
    return Math.floor(this.now() / dayMilliseconds);
  }

  /** Asks the primary. The way there and back is shared out evenly. */
  async read(): Promise<void> {
    const askedAt = performance.now();
    const ask = () =>
      this.#db
        .collection<ClockDocument>('clock')
        .findOneAndUpdate(
          { _id: 'clock' },
          { $currentDate: { at: true } },
          { upsert: true, returnDocument: 'after', writeConcern: { w: 1 } },
        );
    // Of two processes that are the first ones MongoDB may refuse one.
    const found = await ask().catch((error: unknown) => (isDuplicateKey(error) ? ask() : Promise.reject(error)));
    if (found !== null) this.#offset = found.at.getTime() - (askedAt + performance.now()) / 2;
  }
}
