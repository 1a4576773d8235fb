import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { FinalState } from '../../domain/message.ts';

export const statisticsColumns = [
  'accepted',
  'delivered',
  'relayed',
  'captured',
  'discarded',
  'bounced',
  'expired',
  'cancelled',
  'deferred',
  'refused',
] as const;
export type StatisticsColumn = (typeof statisticsColumns)[number];

export const hourMilliseconds = 3_600_000;
export const dayMilliseconds = 86_400_000;
const hourOf = (at: number): number => Math.floor(at / hourMilliseconds) * hourMilliseconds;

interface Tally {
  readonly owner: number;
  readonly credential: number;
  readonly hour: number;
  readonly counts: Record<StatisticsColumn, number>;
}

/**
 * Hourly counters an owner and credential, kept as things happen: what one transaction brings is added up in memory
 * and written as one row each at its end. Bounces of our own are not mail that anybody sent and are left out.
 */
export class Statistics {
  readonly #add: StatementSync;
  readonly #tallies = new Map<string, Tally>();
  #last: Tally | undefined;

  constructor(database: DatabaseSync) {
    const sums = statisticsColumns.map((column) => `${column} = ${column} + excluded.${column}`);
    this.#add = database.prepare(
      `INSERT INTO statistics (owner, credential, hour, ${statisticsColumns.join(', ')})
       VALUES (?, ?, ?${', ?'.repeat(statisticsColumns.length)})
       ON CONFLICT (owner, credential, hour) DO UPDATE SET ${sums.join(', ')}`,
    );
  }

  add(owner: number, credential: number, at: number, column: StatisticsColumn | FinalState, count: number): void {
    const hour = hourOf(at);
    let tally = this.#last;
    if (tally === undefined || tally.owner !== owner || tally.credential !== credential || tally.hour !== hour) {
      tally = this.#tally(owner, credential, hour);
      this.#last = tally;
    }
    tally.counts[column] += count;
  }

  /** Writes what the transaction brought. */
  save(): void {
    for (const { owner, credential, hour, counts } of this.#tallies.values()) {
      this.#add.run(owner, credential, hour, ...statisticsColumns.map((column) => counts[column]));
    }
    this.clear();
  }

  clear(): void {
    this.#tallies.clear();
    this.#last = undefined;
  }

  #tally(owner: number, credential: number, hour: number): Tally {
    const key = `${owner} ${credential} ${hour}`;
    let tally = this.#tallies.get(key);
    if (tally === undefined) {
      const counts = Object.fromEntries(statisticsColumns.map((column) => [column, 0])) as Tally['counts'];
      tally = { owner, credential, hour, counts };
      this.#tallies.set(key, tally);
    }
    return tally;
  }
}
