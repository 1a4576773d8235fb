import type { Collection, Document } from 'mongodb';
import { hourOf } from '../../rules/time-spans.ts';
import { isDuplicateKey } from '../store-error.ts';

/** Whose sums of which UTC hour; `name` is a domain or upstream where a collection counts by such. */
export interface HourKey {
  readonly hour: number;
  readonly owner: string | null;
  readonly credential: string | null;
  readonly name?: string;
}

/** A row of sums; what was never counted is absent. */
export interface SumsDocument extends HourKey {
  readonly _id: HourKey;
  readonly [column: string]: unknown;
}

interface Row {
  readonly key: HourKey;
  readonly sums: Record<string, number>;
}

/** Rows kept while the database cannot be written; what comes beyond is not counted. */
const mostRows = 10_000;
/** Rows written at once. */
const together = 50;

/**
 * Sums of a collection by hour, owner, credential and perhaps a name: what a batch brings is added up in memory and
 * written by one increment a row, never one a message.
 */
export class HourlySums {
  readonly #rows: Collection<SumsDocument>;
  #pending = new Map<string, Row>();

  constructor(rows: Collection<SumsDocument>) {
    this.#rows = rows;
  }

  add(at: number, owner: string | null, credential: string | null, name: string | null, column: string, count: number) {
    const hour = hourOf(at);
    const id = `${hour} ${owner} ${credential} ${name}`;
    let row = this.#pending.get(id);
    if (row === undefined) {
      if (this.#pending.size >= mostRows) return;
      row = { key: { hour, owner, credential, ...(name === null ? {} : { name }) }, sums: {} };
      this.#pending.set(id, row);
    }
    row.sums[column] = (row.sums[column] ?? 0) + count;
  }

  /** Writes what was added; what could not be written waits for the next time. Never rejects. */
  async save(): Promise<void> {
    const rows = [...this.#pending.values()];
    this.#pending = new Map();
    for (let from = 0; from < rows.length; from += together) {
      await Promise.all(rows.slice(from, from + together).map((row) => this.#write(row)));
    }
  }

  async #write({ key, sums }: Row): Promise<void> {
    const update: Document = { $inc: sums, $setOnInsert: { ...key } };
    // The owner is the shard key.
    const increment = () => this.#rows.updateOne({ _id: key, owner: key.owner }, update, { upsert: true });
    try {
      // Of two first increments of one row at once MongoDB refuses one.
      await increment().catch((error: unknown) => (isDuplicateKey(error) ? increment() : Promise.reject(error)));
    } catch {
      for (const [column, count] of Object.entries(sums)) {
        this.add(key.hour, key.owner, key.credential, key.name ?? null, column, count);
      }
    }
  }
}
