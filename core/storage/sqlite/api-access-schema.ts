import type { DatabaseSync } from 'node:sqlite';

/** Version 2: refresh tokens, API keys, the audit log, answers to requests with an idempotency key. */
export function addApiAccess(database: DatabaseSync): void {
  database.exec(`
    CREATE INDEX sessions_user ON sessions (user_id);

    -- Used ones stay until they expire: who shows one again has a copy.
    CREATE TABLE refresh_tokens (
      fingerprint TEXT PRIMARY KEY, session_id TEXT NOT NULL, expires_at INTEGER NOT NULL, used_at INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX refresh_tokens_expires ON refresh_tokens (expires_at);

    CREATE TABLE api_keys (
      id TEXT PRIMARY KEY, owner_id TEXT NOT NULL, fingerprint TEXT NOT NULL UNIQUE, last_used_at INTEGER, row TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX api_keys_owner ON api_keys (owner_id, id);

    -- Columns besides \`entry\` are what it can be searched by.
    CREATE TABLE audit_log (
      id TEXT PRIMARY KEY, at INTEGER NOT NULL, user_id TEXT, action TEXT NOT NULL,
      subject_kind TEXT NOT NULL, subject_id TEXT NOT NULL, entry TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX audit_log_at ON audit_log (at);
    CREATE INDEX audit_log_user ON audit_log (user_id, id);
    CREATE INDEX audit_log_subject ON audit_log (subject_id, id);

    CREATE TABLE idempotency_keys (
      key TEXT PRIMARY KEY, digest TEXT NOT NULL, answer TEXT, expires_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX idempotency_keys_expires ON idempotency_keys (expires_at);
  `);
}

/** Version 7: what tells a person one session from another. */
export function addSessionDetails(database: DatabaseSync): void {
  database.exec(`
    ALTER TABLE sessions ADD COLUMN last_used_at INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE sessions ADD COLUMN address TEXT;
    ALTER TABLE sessions ADD COLUMN user_agent TEXT;
    UPDATE sessions SET last_used_at = created_at;
  `);
}
