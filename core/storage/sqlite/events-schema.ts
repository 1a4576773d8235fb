import type { DatabaseSync } from 'node:sqlite';

/** What happened, and where it is told. */
export function addEvents(database: DatabaseSync): void {
  database.exec(`
    -- type: place in eventTypes. What the log entry \`seq\` says anyway is not repeated in detail.
    CREATE TABLE events (
      id INTEGER PRIMARY KEY AUTOINCREMENT, type INTEGER NOT NULL, seq INTEGER NOT NULL,
      owner INTEGER NOT NULL, credential INTEGER NOT NULL, at INTEGER NOT NULL, detail TEXT
    ) STRICT;

    -- state: what deliveries change, apart from what people change.
    CREATE TABLE webhooks (
      id TEXT PRIMARY KEY, owner_id TEXT NOT NULL, row TEXT NOT NULL, state TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX webhooks_owner ON webhooks (owner_id, id);
  `);
}
