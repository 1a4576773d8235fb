import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { hourOf } from '../rules/time-spans.ts';

interface Row {
  readonly hour: number;
  readonly owner: number;
  readonly credential: number;
  readonly name: string | number | null;
  readonly sums: number[];
}

/**
 * Sums a table keeps by hour, owner, credential and, where `nameColumn` is given, one name more: what a transaction
 * brings is added up in memory and written as one row each at its end, never one a message.
 */
export class HourlySums {
  readonly #write: StatementSync;
  readonly #named: boolean;
  readonly #empty: readonly number[];
  readonly #rows = new Map<string, Row>();
  #last: Row | undefined;

  constructor(database: DatabaseSync, table: string, nameColumn: string | null, columns: readonly string[]) {
    this.#named = nameColumn !== null;
    this.#empty = columns.map(() => 0);
    const key = ['hour', 'owner', 'credential', ...(nameColumn === null ? [] : [nameColumn])];
    const all = [...key, ...columns];
    this.#write = database.prepare(
      `INSERT INTO ${table} (${all.join(', ')}) VALUES (${all.map(() => '?').join(', ')})
       ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${columns.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')}`,
    );
  }

  /** The sums that belong to a moment and a name, to be added to; by the place of their columns. */
  of(at: number, owner: number, credential: number, name: string | number | null = null): number[] {
    const hour = hourOf(at);
    const last = this.#last;
    if (
      last !== undefined &&
      last.hour === hour &&
      last.owner === owner &&
      last.credential === credential &&
      last.name === name
    ) {
      return last.sums;
    }
    const key = `${hour} ${owner} ${credential} ${name}`;
    let row = this.#rows.get(key);
    if (row === undefined) {
      row = { hour, owner, credential, name, sums: [...this.#empty] };
      this.#rows.set(key, row);
    }
    this.#last = row;
    return row.sums;
  }

  /** Writes what the transaction brought. */
  save(): void {
    if (this.#rows.size === 0) return;
    for (const { hour, owner, credential, name, sums } of this.#rows.values()) {
      if (this.#named) this.#write.run(hour, owner, credential, name, ...sums);
      else this.#write.run(hour, owner, credential, ...sums);
    }
    this.clear();
  }

  clear(): void {
    this.#rows.clear();
    this.#last = undefined;
  }
}
