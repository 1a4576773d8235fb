import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** Writing side of the plugins' small values. */
export class KeyValueRows {
  readonly #set: StatementSync;
  readonly #delete: StatementSync;

  constructor(database: DatabaseSync) {
    this.#set = database.prepare(
      'INSERT OR REPLACE INTO key_values (plugin, key, value, expires_at) VALUES (?, ?, ?, ?)',
    );
    this.#delete = database.prepare('DELETE FROM key_values WHERE plugin = ? AND key = ?');
  }

  /** `value` is JSON. */
  set(plugin: string, key: string, value: string, expiresAt: number | null): void {
    this.#set.run(plugin, key, value, expiresAt);
  }

  delete(plugin: string, key: string): void {
    this.#delete.run(plugin, key);
  }
}

/** The JSON under a key, or null where there is none or it expired. */
export function readKeyValue(database: DatabaseSync, plugin: string, key: string, now: number): string | null {
  const row = database
    .prepare('SELECT value FROM key_values WHERE plugin = ? AND key = ? AND (expires_at IS NULL OR expires_at > ?)')
    .get(plugin, key, now);
  return row === undefined ? null : String(row.value);
}
