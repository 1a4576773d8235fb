import type { CounterTotal } from '../ports/counters.ts';
import type { MongodbDatabase } from './client.ts';
import type { Index } from './indexes.ts';
import { upsert } from './upsert.ts';

export interface CounterTotalDocument {
  readonly _id: { readonly owner: string; readonly window: string };
  readonly units: number;
  readonly endsAt: number;
}

export const counterIndexes: readonly Index[] = [{ collection: 'counters', key: { endsAt: 1 } }];

/** Settled totals of quotas, written with the mail they count. */
export class CounterTotals {
  readonly #database: MongodbDatabase;
  #drain: () => readonly CounterTotal[] = () => [];

  constructor(database: MongodbDatabase) {
    this.#database = database;
  }

  attach(drain: () => readonly CounterTotal[]): void {
    this.#drain = drain;
  }

  /** Writes what changed since the last time. */
  async save(): Promise<void> {
    const totals = this.#drain();
    if (totals.length === 0) return;
    const writes = totals.map(({ owner, window, units, endsAt }) => ({
      updateOne: { filter: { _id: { owner, window } }, update: { $set: { units, endsAt } }, upsert: true },
    }));
    await upsert(() =>
      this.#database.ask(() => this.#database.collection('counters').bulkWrite(writes, { ordered: false })),
    );
  }

  /** Totals of windows that are not over at `now`. */
  async load(now: number): Promise<CounterTotal[]> {
    const found = await this.#database.ask(() =>
      this.#database
        .collection('counters')
        .find({ endsAt: { $gt: now } })
        .toArray(),
    );
    return found.map(({ _id, units, endsAt }) => ({ ..._id, units, endsAt }));
  }
}
