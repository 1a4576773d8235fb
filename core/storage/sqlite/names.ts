import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** Ids of owners and credentials and names of upstreams as small numbers, so that rows and indexes stay narrow. */
export class Names {
  readonly #find: StatementSync;
  readonly #insert: StatementSync;
  readonly #known = new Map<string, number>();

  constructor(database: DatabaseSync) {
    this.#find = database.prepare('SELECT n FROM names WHERE name = ?');
    this.#insert = database.prepare('INSERT INTO names (name) VALUES (?)');
  }

  /** The number of a name, given to it now if it has none; 0 for null. */
  number(name: string | null): number {
    if (name === null) return 0;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const found = this.#find.get(name);
    const n = Number(found === undefined ? this.#insert.run(name).lastInsertRowid : found.n);
    if (this.#known.size >= 10_000) this.#known.clear();
    this.#known.set(name, n);
    return n;
  }

  /** Numbers given in a transaction that was rolled back are void. */
  rolledBack(): void {
    this.#known.clear();
  }
}
