import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { BlacklistEntry } from '../ports/blacklist.ts';

/** Writing side of the blacklist. */
export class BlacklistRows {
  readonly #put: StatementSync;
  readonly #remove: StatementSync;

  constructor(database: DatabaseSync) {
    this.#put = database.prepare(
      'INSERT OR REPLACE INTO blacklist (id, network, reason, source, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#remove = database.prepare('DELETE FROM blacklist WHERE id = ?');
  }

  put(entry: BlacklistEntry): void {
    this.#put.run(entry.id, entry.network, entry.reason, entry.source, entry.createdAt, entry.expiresAt);
  }

  remove(id: string): boolean {
    return Number(this.#remove.run(id).changes) > 0;
  }
}

export const readBlacklist = (database: DatabaseSync): BlacklistEntry[] =>
  database
    .prepare('SELECT * FROM blacklist ORDER BY created_at, id')
    .all()
    .map((row) => ({
      id: String(row.id),
      network: String(row.network),
      reason: String(row.reason),
      source: row.source as BlacklistEntry['source'],
      createdAt: Number(row.created_at),
      expiresAt: row.expires_at === null ? null : Number(row.expires_at),
    }));
