import type { DatabaseSync } from 'node:sqlite';

/** Version 3: what the API set of the plugins, version by version. */
export function addSettings(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE settings (
      number INTEGER PRIMARY KEY, state TEXT NOT NULL, reason TEXT, version TEXT NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX settings_current ON settings (state) WHERE state = 'current';
  `);
}
