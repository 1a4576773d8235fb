import type { Document } from 'mongodb';
import type { ApiAccess, ApiKey } from '../ports/api-access.ts';
import { type AuditOutbox, auditDocument, outboxOf } from './audit-outbox.ts';
import type { BackgroundWrites } from './background-writes.ts';
import type { MongodbDatabase } from './client.ts';
import { listPage } from './list.ts';
import { apiKeyDocument, apiKeyOf } from './session-documents.ts';
import type { MongodbSessions } from './sessions.ts';

/** A use of a session or an API key is written once in so many milliseconds. */
const touchMilliseconds = 60_000;
/** Those whose last use is remembered; beyond this the uses are written more often, no more. */
const mostTouched = 10_000;

export interface ApiAccessParts {
  readonly outbox: AuditOutbox;
  readonly sessions: MongodbSessions;
  readonly background: BackgroundWrites;
}

export function mongodbApiAccess(
  database: MongodbDatabase,
  { outbox, sessions, background }: ApiAccessParts,
): ApiAccess {
  const keys = database.collection('api_keys');
  const touched = new Map<string, number>();
  const touch = (id: string, at: number, write: () => Promise<unknown>) => {
    if (at - (touched.get(id) ?? Number.NEGATIVE_INFINITY) < touchMilliseconds) return;
    if (touched.size >= mostTouched) touched.clear();
    touched.set(id, at);
    background.add(write());
  };
  const one = async (filter: Document): Promise<ApiKey | null> => {
    const found = await database.ask(() => keys.findOne(filter));
    return found === null ? null : apiKeyOf(found);
  };
  return {
    startSession: (session, token, audit) => sessions.startSession(session, token, audit),
    session: (id) => sessions.session(id),
    listSessions: (options) => sessions.listSessions(options),
    touchSession: (id, at) => touch(id, at, () => sessions.touchSession(id, at)),
    revokeSession: (id, at, audit) => sessions.revokeSession(id, at, audit),
    refresh: (fingerprint, next, at) => sessions.refresh(fingerprint, next, at),
    revokeSessions: (userId, at, options) => sessions.revokeSessions(userId, at, options),

    async insertApiKey(key, audit) {
      await database.ask(() => keys.insertOne({ ...apiKeyDocument(key), ...outboxOf(audit) }));
      await outbox.publish('api_keys', key.id, audit);
    },
    apiKey: (id) => one({ _id: id }),
    apiKeyByFingerprint: (fingerprint) => one({ fingerprint }),
    listApiKeys({ ownerId, after, limit }) {
      const filter = ownerId === undefined ? {} : { ownerId };
      return listPage(database, keys, { filter, key: '_id', descending: false, after, limit }, apiKeyOf);
    },
    async revokeApiKey(id, at, audit) {
      const push = audit === undefined ? {} : { $push: { outbox: auditDocument(audit) } };
      const { matchedCount } = await database.ask(() =>
        keys.updateOne({ _id: id, revokedAt: null }, { $set: { revokedAt: at }, ...push }),
      );
      if (matchedCount === 0) return false;
      await outbox.publish('api_keys', id, audit);
      return true;
    },
    touchApiKey: (id, at) =>
      touch(id, at, () => database.ask(() => keys.updateOne({ _id: id }, { $max: { lastUsed: at } }))),
  };
}
