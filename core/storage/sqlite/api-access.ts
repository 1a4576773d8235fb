import type { DatabaseSync } from 'node:sqlite';
import type { Page } from '../ports/accounts.ts';
import type { ApiAccess, ApiKey } from '../ports/api-access.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import type { IdempotencyStore } from '../ports/idempotency.ts';
import { apiKeyOf } from './api-access-rows.ts';
import type { GroupCommit } from './group-commit.ts';
import type { ReaderClient } from './reader-client.ts';

/** A use of an API key is written once in so many milliseconds. */
const touchMilliseconds = 60_000;
/** Keys whose last use is remembered; beyond this the uses are written more often, no more. */
const mostTouched = 10_000;

export function sqliteApiAccess(commits: GroupCommit, reader: ReaderClient): ApiAccess {
  const touched = new Map<string, number>();
  return {
    startSession: (session, token) => commits.call('startSession', session, token),
    refresh: (fingerprint, next, at) => commits.call('refresh', fingerprint, next, at),
    revokeSessions: (userId, at, options) => commits.call('revokeSessions', userId, at, options),
    insertApiKey: (key, audit) => commits.call('insertApiKey', key, audit),
    apiKey: (id) => reader.call('apiKey', id),
    apiKeyByFingerprint: (fingerprint) => reader.call('apiKeyByFingerprint', fingerprint),
    listApiKeys: (options) => reader.call('listApiKeys', options),
    revokeApiKey: (id, at, audit) => commits.call('revokeApiKey', id, at, audit),
    touchApiKey(id, at) {
      if (at - (touched.get(id) ?? Number.NEGATIVE_INFINITY) < touchMilliseconds) return;
      if (touched.size >= mostTouched) touched.clear();
      touched.set(id, at);
      commits.tell({ kind: 'call', method: 'touchApiKey', parameters: [id, at] });
    },
  };
}

export const sqliteAuditLog = (commits: GroupCommit, reader: ReaderClient): AuditLog => ({
  append: (entry) => commits.call('appendAudit', entry),
  list: (filter, options) => reader.call('auditLog', filter, options),
});

export const sqliteIdempotency = (commits: GroupCommit): IdempotencyStore => ({
  begin: (key, digest, at, expiresAt) => commits.call('beginIdempotent', key, digest, at, expiresAt),
  finish: (key, answer) => commits.call('finishIdempotent', key, answer),
  abandon: (key) => commits.call('abandonIdempotent', key),
});

/** Reading side of API keys. */
export function apiKeyReader(database: DatabaseSync) {
  const byId = database.prepare('SELECT row, last_used_at FROM api_keys WHERE id = ?');
  const byFingerprint = database.prepare('SELECT row, last_used_at FROM api_keys WHERE fingerprint = ?');
  const all = database.prepare('SELECT row, last_used_at FROM api_keys WHERE id > ? ORDER BY id LIMIT ?');
  const owned = database.prepare(
    'SELECT row, last_used_at FROM api_keys WHERE owner_id = ? AND id > ? ORDER BY id LIMIT ?',
  );
  const one = (row: Record<string, unknown> | undefined) => (row === undefined ? null : apiKeyOf(row));
  return {
    apiKey: (id: string): ApiKey | null => one(byId.get(id)),
    apiKeyByFingerprint: (fingerprint: string): ApiKey | null => one(byFingerprint.get(fingerprint)),
    listApiKeys({ ownerId, after = '', limit }: { ownerId?: string; after?: string; limit: number }): Page<ApiKey> {
      const rows = ownerId === undefined ? all.all(after, limit + 1) : owned.all(ownerId, after, limit + 1);
      const items = rows.slice(0, limit).map(apiKeyOf);
      return { items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
    },
  };
}
