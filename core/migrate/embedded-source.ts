import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Conservation } from '../storage/ports/mail-log.ts';
import { conservation } from '../storage/sqlite/conservation.ts';
import { openForReading } from '../storage/sqlite/database.ts';
import { lockFolder } from '../storage/sqlite/lock.ts';

/** The database of a data folder that nobody changes meanwhile. */
export class EmbeddedSource {
  readonly database: DatabaseSync;
  /** Tells it from every other database. */
  readonly id: string;
  readonly #names = new Map<number, string>();
  readonly #lock: { release(): void };

  /** Locks the folder. Throws `DATA_DIRECTORY_LOCKED` while a process uses it. */
  constructor(folder: string) {
    this.#lock = lockFolder(folder, { migrating: true });
    try {
      this.database = openForReading(join(folder, 'sluice.db'));
    } catch (error) {
      this.#lock.release();
      throw error;
    }
    const store = this.database.prepare('SELECT hex(database_id) AS id FROM store').get();
    this.id = String(store?.id).toLowerCase();
    for (const { n, name } of this.database.prepare('SELECT n, name FROM names').all()) {
      this.#names.set(Number(n), String(name));
    }
  }

  /** The owner, credential or upstream of a number; null for 0. */
  nameOf(n: unknown): string | null {
    return this.#names.get(Number(n)) ?? null;
  }

  count(table: string): number {
    return Number(this.database.prepare(`SELECT count(*) AS rows FROM ${table}`).get()?.rows);
  }

  conservation(): Conservation {
    return conservation(this.database);
  }

  close(): void {
    this.database.close();
    this.#lock.release();
  }
}
