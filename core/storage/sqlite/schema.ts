import type { DatabaseSync } from 'node:sqlite';

/**
 * Version 1. `seq` numbers accepted messages and refused transactions in the order of their commits; every other table
 * hangs on it. What never changes (`entries`, `facts`) lies apart from what every attempt rewrites (`queue`: open
 * messages only, so that all of its indexes are small) and from what is written once at the end (`outcomes`).
 */
export function createSchema(database: DatabaseSync): void {
  database.exec(`
    -- One row: which database this is, how often it was committed, and the totals of the queue.
    CREATE TABLE store (
      one INTEGER PRIMARY KEY CHECK (one = 1),
      database_id BLOB NOT NULL,
      commit_seq INTEGER NOT NULL,
      next_seq INTEGER NOT NULL,
      messages INTEGER NOT NULL, queued INTEGER NOT NULL, deferred INTEGER NOT NULL, held INTEGER NOT NULL
    ) STRICT;
    INSERT INTO store VALUES (1, randomblob(16), 0, 1, 0, 0, 0, 0);

    -- Owners, credentials and upstreams by number; 0 is none.
    CREATE TABLE names (n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

    -- kind: 0 smtp, 1 submitted, 2 bounce; 3 refused, 4 reset, 5 aborted (these never were mail: recipients = 0).
    CREATE TABLE entries (
      seq INTEGER PRIMARY KEY, id BLOB NOT NULL, kind INTEGER NOT NULL,
      owner INTEGER NOT NULL, credential INTEGER NOT NULL, at INTEGER NOT NULL, recipients INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX entries_id ON entries (id);
    CREATE INDEX entries_at ON entries (at);
    CREATE INDEX entries_owner ON entries (owner, at);
    CREATE INDEX entries_credential ON entries (credential, at) WHERE credential > 0;
    CREATE INDEX entries_refused ON entries (at) WHERE kind >= 3;

    -- JSON of MessageFacts or RefusalRecord.
    CREATE TABLE facts (seq INTEGER PRIMARY KEY, facts TEXT NOT NULL) STRICT;

    -- Search by address, domain and Message-ID: hashes, in blocks of consecutive entries so that inserts stay together.
    CREATE TABLE terms (
      block INTEGER NOT NULL, hash INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (block, hash, seq)
    ) STRICT, WITHOUT ROWID;

    -- Open messages. tally: recipients by state; lease: commit number of the claim.
    CREATE TABLE queue (
      seq INTEGER PRIMARY KEY, kind INTEGER NOT NULL, owner INTEGER NOT NULL, credential INTEGER NOT NULL,
      chunks INTEGER NOT NULL, recipients TEXT NOT NULL, tally TEXT NOT NULL,
      next_at INTEGER, lease INTEGER, claimed_at INTEGER, requested TEXT, postponed_by INTEGER
    ) STRICT;
    CREATE INDEX queue_due ON queue (next_at) WHERE lease IS NULL AND next_at IS NOT NULL;
    CREATE INDEX queue_leased ON queue (seq) WHERE lease IS NOT NULL;
    CREATE INDEX queue_postponed ON queue (postponed_by) WHERE postponed_by IS NOT NULL;

    -- Messages whose last recipient became final. failed: some recipient got nothing.
    CREATE TABLE outcomes (
      seq INTEGER PRIMARY KEY, recipients TEXT NOT NULL, tally TEXT NOT NULL,
      final_day INTEGER NOT NULL, failed INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX outcomes_day ON outcomes (final_day);
    CREATE INDEX outcomes_failed ON outcomes (seq) WHERE failed = 1;

    -- Closed days of the conservation sum; their records may be purged without changing it.
    CREATE TABLE days (final_day INTEGER PRIMARY KEY, counts TEXT NOT NULL) STRICT;

    -- place = seq * 2^20 + number of the piece.
    CREATE TABLE bodies (place INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
    -- Large bodies on their way in.
    CREATE TABLE receiving (
      id BLOB PRIMARY KEY, seq INTEGER NOT NULL, chunks INTEGER NOT NULL, started_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    -- Bodies to delete in the background: captured ones after their time, large ones as soon as there is time.
    CREATE TABLE body_purges (
      captured INTEGER NOT NULL, at INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (captured, at, seq)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE attempts (
      n INTEGER PRIMARY KEY AUTOINCREMENT, seq INTEGER NOT NULL,
      owner INTEGER NOT NULL, credential INTEGER NOT NULL, attempt TEXT NOT NULL
    ) STRICT;
    CREATE INDEX attempts_seq ON attempts (seq);

    CREATE TABLE statistics (
      owner INTEGER NOT NULL, credential INTEGER NOT NULL, hour INTEGER NOT NULL,
      accepted INTEGER NOT NULL, delivered INTEGER NOT NULL, relayed INTEGER NOT NULL, captured INTEGER NOT NULL,
      discarded INTEGER NOT NULL, bounced INTEGER NOT NULL, expired INTEGER NOT NULL, cancelled INTEGER NOT NULL,
      deferred INTEGER NOT NULL, refused INTEGER NOT NULL,
      PRIMARY KEY (owner, credential, hour)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX statistics_hour ON statistics (hour);

    CREATE TABLE counters (
      owner TEXT NOT NULL, window TEXT NOT NULL, units INTEGER NOT NULL, ends_at INTEGER NOT NULL,
      PRIMARY KEY (owner, window)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE users (
      id TEXT PRIMARY KEY, username TEXT NOT NULL UNIQUE, email TEXT NOT NULL UNIQUE, row TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE setup (one INTEGER PRIMARY KEY CHECK (one = 1), administrator TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
    CREATE TABLE credentials (
      id TEXT PRIMARY KEY, username TEXT NOT NULL UNIQUE, owner_id TEXT NOT NULL, last_used_at INTEGER, row TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX credentials_owner ON credentials (owner_id, id);
    CREATE TABLE known_addresses (
      credential_id TEXT NOT NULL, address TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (credential_id, address)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX known_addresses_at ON known_addresses (at);
    CREATE TABLE sessions (
      id TEXT PRIMARY KEY, user_id TEXT NOT NULL, created_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL, revoked_at INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX sessions_expires ON sessions (expires_at);

    CREATE TABLE blacklist (
      id TEXT NOT NULL UNIQUE, network TEXT PRIMARY KEY, reason TEXT NOT NULL, source TEXT NOT NULL,
      created_at INTEGER NOT NULL, expires_at INTEGER
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE key_values (
      plugin TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, expires_at INTEGER, PRIMARY KEY (plugin, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX key_values_expires ON key_values (expires_at) WHERE expires_at IS NOT NULL;
  `);
}
