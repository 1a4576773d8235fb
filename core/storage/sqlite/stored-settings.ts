import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { SettingsVersion } from '../ports/settings.ts';
import { readCurrentSettings } from './settings-rows.ts';
import { storeError } from './store-error.ts';

/**
 * What the API set, as the database of a data folder has it: read beside whoever uses it, without locking, migrating
 * or writing anything. Null where there is no database, or one that was never started with. Throws
 * `STORE_UNAVAILABLE`.
 */
export function readStoredSettings(folder: string): SettingsVersion | null {
  const file = join(folder, 'sluice.db');
  if (!existsSync(file)) return null;
  try {
    const database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
    try {
      const known = database.prepare(`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'settings'`).get();
      return known === undefined ? null : readCurrentSettings(database);
    } finally {
      database.close();
    }
  } catch (error) {
    throw storeError(error, false);
  }
}
