import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { ApiKey, ApiSession, Refreshed, RefreshToken } from '../ports/api-access.ts';
import type { AuditEntry } from '../ports/audit-log.ts';
import type { AuditRows } from './audit-rows.ts';

/** Writing side of sessions with their refresh tokens, and of API keys. */
export class ApiAccessRows {
  readonly #audit: AuditRows;
  readonly #insertSession: StatementSync;
  readonly #session: StatementSync;
  readonly #prolong: StatementSync;
  readonly #touchSession: StatementSync;
  readonly #revokeSession: StatementSync;
  readonly #revokeSessions: StatementSync;
  readonly #insertToken: StatementSync;
  readonly #token: StatementSync;
  readonly #useToken: StatementSync;
  readonly #insertKey: StatementSync;
  readonly #key: StatementSync;
  readonly #updateKey: StatementSync;
  readonly #touchKey: StatementSync;

  constructor(database: DatabaseSync, audit: AuditRows) {
    this.#audit = audit;
    this.#insertSession = database.prepare(
      `INSERT INTO sessions (id, user_id, created_at, expires_at, revoked_at, last_used_at, address, user_agent)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#session = database.prepare('SELECT * FROM sessions WHERE id = ?');
    this.#prolong = database.prepare('UPDATE sessions SET expires_at = max(expires_at, ?) WHERE id = ?');
    this.#touchSession = database.prepare('UPDATE sessions SET last_used_at = max(last_used_at, ?) WHERE id = ?');
    this.#revokeSession = database.prepare('UPDATE sessions SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL');
    this.#revokeSessions = database.prepare(
      'UPDATE sessions SET revoked_at = ? WHERE user_id = ? AND id <> ? AND revoked_at IS NULL AND expires_at > ?',
    );
    this.#insertToken = database.prepare(
      'INSERT INTO refresh_tokens (fingerprint, session_id, expires_at, used_at) VALUES (?, ?, ?, NULL)',
    );
    this.#token = database.prepare('SELECT session_id, expires_at, used_at FROM refresh_tokens WHERE fingerprint = ?');
    this.#useToken = database.prepare('UPDATE refresh_tokens SET used_at = ? WHERE fingerprint = ?');
    this.#insertKey = database.prepare(
      'INSERT INTO api_keys (id, owner_id, fingerprint, last_used_at, row) VALUES (?, ?, ?, ?, ?)',
    );
    this.#key = database.prepare('SELECT row, last_used_at FROM api_keys WHERE id = ?');
    this.#updateKey = database.prepare('UPDATE api_keys SET row = ? WHERE id = ?');
    this.#touchKey = database.prepare(
      'UPDATE api_keys SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE id = ?',
    );
  }

  startSession(session: ApiSession, token: RefreshToken, audit?: AuditEntry): void {
    const { id, userId, createdAt, expiresAt, revokedAt, lastUsedAt, address, userAgent } = session;
    this.#insertSession.run(id, userId, createdAt, expiresAt, revokedAt, lastUsedAt, address, userAgent);
    this.#insertToken.run(token.fingerprint, id, token.expiresAt);
    this.#audit.append(audit);
  }

  touchSession(id: string, at: number): void {
    this.#touchSession.run(at, id);
  }

  revokeSession(id: string, at: number, audit?: AuditEntry): boolean {
    if (this.#revokeSession.run(at, id).changes === 0) return false;
    this.#audit.append(audit);
    return true;
  }

  refresh(fingerprint: string, next: RefreshToken, at: number): Refreshed {
    const token = this.#token.get(fingerprint);
    const row = token === undefined ? undefined : this.#session.get(String(token.session_id));
    if (token === undefined || row === undefined) return { outcome: 'unknown' };
    const session = sessionOf(row);
    if (session.revokedAt !== null || Number(token.expires_at) <= at) return { outcome: 'unknown' };
    if (token.used_at !== null) {
      this.#revokeSession.run(at, session.id);
      return { outcome: 'reused', session: { ...session, revokedAt: at } };
    }
    this.#useToken.run(at, fingerprint);
    this.#insertToken.run(next.fingerprint, session.id, next.expiresAt);
    this.#prolong.run(next.expiresAt, session.id);
    return { outcome: 'rotated', session: { ...session, expiresAt: Math.max(session.expiresAt, next.expiresAt) } };
  }

  revokeSessions(userId: string, at: number, options: { except?: string; audit?: AuditEntry } = {}): number {
    const { changes } = this.#revokeSessions.run(at, userId, options.except ?? '', at);
    this.#audit.append(options.audit);
    return Number(changes);
  }

  insertApiKey(key: ApiKey, audit?: AuditEntry): void {
    this.#insertKey.run(key.id, key.ownerId, key.fingerprint, key.lastUsedAt, JSON.stringify(key));
    this.#audit.append(audit);
  }

  revokeApiKey(id: string, at: number, audit?: AuditEntry): boolean {
    const row = this.#key.get(id);
    const key = row === undefined ? null : apiKeyOf(row);
    if (key === null || key.revokedAt !== null) return false;
    this.#updateKey.run(JSON.stringify({ ...key, revokedAt: at }), id);
    this.#audit.append(audit);
    return true;
  }

  touchApiKey(id: string, at: number): void {
    this.#touchKey.run(at, id);
  }
}

/** `last_used_at` has a column of its own, since every use changes it. */
export function apiKeyOf(row: { row?: unknown; last_used_at?: unknown }): ApiKey {
  const key = JSON.parse(String(row.row)) as ApiKey;
  return { ...key, lastUsedAt: row.last_used_at == null ? null : Number(row.last_used_at) };
}

export const sessionOf = (row: Readonly<Record<string, unknown>>): ApiSession => ({
  id: String(row.id),
  userId: String(row.user_id),
  createdAt: Number(row.created_at),
  expiresAt: Number(row.expires_at),
  revokedAt: row.revoked_at === null ? null : Number(row.revoked_at),
  lastUsedAt: Number(row.last_used_at),
  address: row.address === null ? null : String(row.address),
  userAgent: row.user_agent === null ? null : String(row.user_agent),
});
