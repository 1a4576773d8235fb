import type { DatabaseSync } from 'node:sqlite';
import { parseNetwork } from '../../domain/ip-network.ts';
import { networkPlace } from '../../domain/network-place.ts';

/** Version 4: blacklist entries in the order of their networks, with versions that can be changed. */
export function orderBlacklist(database: DatabaseSync): void {
  database.exec(`
    ALTER TABLE blacklist RENAME TO blacklist_before;
    -- place: the network as a text that sorts (core/domain/network-place.ts).
    CREATE TABLE blacklist (
      place TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, network TEXT NOT NULL, reason TEXT NOT NULL, source TEXT NOT NULL,
      created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, expires_at INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX blacklist_expires ON blacklist (expires_at) WHERE expires_at IS NOT NULL;
    CREATE INDEX blacklist_end ON blacklist (coalesce(expires_at, ${Number.MAX_SAFE_INTEGER}), id);
  `);
  const insert = database.prepare('INSERT INTO blacklist VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
  for (const row of database.prepare('SELECT * FROM blacklist_before').all()) {
    const network = parseNetwork(String(row.network));
    if (network === null) continue;
    const { id, reason, created_at: at, expires_at: end } = row;
    const source = row.source === 'auto' ? 'auto-ban' : row.source;
    insert.run(
      networkPlace(network),
      id ?? null,
      network.text,
      reason ?? null,
      source ?? null,
      at ?? null,
      at ?? null,
      end ?? null,
    );
  }
  database.exec('DROP TABLE blacklist_before');
}
