import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { CounterTotal } from '../ports/counters.ts';

/** Keeps the settled totals of quotas: written with the mail they count, read at the start. */
export class CounterRows {
  readonly #put: StatementSync;

  constructor(database: DatabaseSync) {
    this.#put = database.prepare('INSERT OR REPLACE INTO counters (owner, window, units, ends_at) VALUES (?, ?, ?, ?)');
  }

  put(totals: readonly CounterTotal[]): void {
    for (const { owner, window, units, endsAt } of totals) this.#put.run(owner, window, units, endsAt);
  }
}

/** Totals of windows that are not over yet. */
export const readCounters = (database: DatabaseSync, now: number): CounterTotal[] =>
  database
    .prepare('SELECT owner, window, units, ends_at FROM counters WHERE ends_at > ?')
    .all(now)
    .map((row) => ({
      owner: String(row.owner),
      window: String(row.window),
      units: Number(row.units),
      endsAt: Number(row.ends_at),
    }));
