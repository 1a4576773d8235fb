import type { ApiAccess } from '../ports/api-access.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import type { IdempotencyStore } from '../ports/idempotency.ts';
import type { GroupCommit } from './group-commit.ts';
import type { ReaderClient } from './reader-client.ts';

/** A use of a session or an API key is written once in so many milliseconds. */
const touchMilliseconds = 60_000;
/** Those whose last use is remembered; beyond this the uses are written more often, no more. */
const mostTouched = 10_000;

export function sqliteApiAccess(commits: GroupCommit, reader: ReaderClient): ApiAccess {
  const touched = new Map<string, number>();
  const touch = (method: 'touchSession' | 'touchApiKey', id: string, at: number) => {
    if (at - (touched.get(id) ?? Number.NEGATIVE_INFINITY) < touchMilliseconds) return;
    if (touched.size >= mostTouched) touched.clear();
    touched.set(id, at);
    commits.tell({ kind: 'call', method, parameters: [id, at] });
  };
  return {
    startSession: (session, token, audit) => commits.call('startSession', session, token, audit),
    session: (id) => reader.call('session', id),
    listSessions: (options) => reader.call('listSessions', options),
    touchSession: (id, at) => touch('touchSession', id, at),
    revokeSession: (id, at, audit) => commits.call('revokeSession', id, at, audit),
    refresh: (fingerprint, next, at) => commits.call('refresh', fingerprint, next, at),
    revokeSessions: (userId, at, options) => commits.call('revokeSessions', userId, at, options),
    insertApiKey: (key, audit) => commits.call('insertApiKey', key, audit),
    apiKey: (id) => reader.call('apiKey', id),
    apiKeyByFingerprint: (fingerprint) => reader.call('apiKeyByFingerprint', fingerprint),
    listApiKeys: (options) => reader.call('listApiKeys', options),
    revokeApiKey: (id, at, audit) => commits.call('revokeApiKey', id, at, audit),
    touchApiKey: (id, at) => touch('touchApiKey', id, at),
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
