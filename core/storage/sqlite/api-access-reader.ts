import type { DatabaseSync } from 'node:sqlite';
import type { Page } from '../ports/accounts.ts';
import type { ApiKey, ApiSession } from '../ports/api-access.ts';
import { apiKeyOf, sessionOf } from './api-access-rows.ts';

/** After every id there is: where a list that runs backwards begins. */
const afterAll = '\u{10ffff}';

function pageOf<T extends { readonly id: string }>(found: readonly T[], limit: number): Page<T> {
  const items = found.slice(0, limit);
  return { items, next: found.length > limit ? (items.at(-1)?.id ?? null) : null };
}

/** Reading side of API sessions and API keys. */
export function apiAccessReader(database: DatabaseSync) {
  const session = database.prepare('SELECT * FROM sessions WHERE id = ?');
  const living = database.prepare(
    `SELECT * FROM sessions WHERE user_id = ? AND revoked_at IS NULL AND expires_at > ? AND id < ?
     ORDER BY id DESC LIMIT ?`,
  );
  const byId = database.prepare('SELECT row, last_used_at FROM api_keys WHERE id = ?');
  const byFingerprint = database.prepare('SELECT row, last_used_at FROM api_keys WHERE fingerprint = ?');
  const all = database.prepare('SELECT row, last_used_at FROM api_keys WHERE id > ? ORDER BY id LIMIT ?');
  const owned = database.prepare(
    'SELECT row, last_used_at FROM api_keys WHERE owner_id = ? AND id > ? ORDER BY id LIMIT ?',
  );
  const one = (row: Record<string, unknown> | undefined) => (row === undefined ? null : apiKeyOf(row));
  return {
    session(id: string): ApiSession | null {
      const row = session.get(id);
      return row === undefined ? null : sessionOf(row);
    },
    listSessions(options: { userId: string; at: number; after?: string; limit: number }): Page<ApiSession> {
      const { userId, at, after = afterAll, limit } = options;
      return pageOf(living.all(userId, at, after, limit + 1).map(sessionOf), limit);
    },
    apiKey: (id: string): ApiKey | null => one(byId.get(id)),
    apiKeyByFingerprint: (fingerprint: string): ApiKey | null => one(byFingerprint.get(fingerprint)),
    listApiKeys({ ownerId, after = '', limit }: { ownerId?: string; after?: string; limit: number }): Page<ApiKey> {
      const rows = ownerId === undefined ? all.all(after, limit + 1) : owned.all(ownerId, after, limit + 1);
      return pageOf(rows.map(apiKeyOf), limit);
    },
  };
}
