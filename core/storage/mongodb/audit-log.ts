import type { Filter } from 'mongodb';
import type { AuditEntry, AuditLog } from '../ports/audit-log.ts';
import { type AuditDocument, auditDocument } from './audit-outbox.ts';
import type { MongodbDatabase } from './client.ts';
import type { Index } from './indexes.ts';

export const auditIndexes: readonly Index[] = [
  { collection: 'audit_log', key: { at: 1 } },
  { collection: 'audit_log', key: { userId: 1, _id: 1 } },
  { collection: 'audit_log', key: { subjectId: 1, _id: 1 } },
];

const given = <T extends object>(condition: T, value: unknown): T | Record<string, never> =>
  value === undefined ? {} : condition;

export function mongodbAuditLog(database: MongodbDatabase): AuditLog {
  const log = database.collection('audit_log');
  return {
    async append(entry) {
      await database.ask(() => log.insertOne(auditDocument(entry)));
    },
    async list({ userId, action, subjectKind, subjectId, from, until }, { after, limit }) {
      const filter: Filter<AuditDocument> = {
        ...given({ userId }, userId),
        ...given({ action }, action),
        ...given({ subjectKind }, subjectKind),
        ...given({ subjectId }, subjectId),
        ...(from === undefined && until === undefined
          ? {}
          : { at: { ...given({ $gte: from }, from), ...given({ $lt: until }, until) } }),
        ...given({ _id: { $lt: after } }, after),
      };
      const found = await database.ask(() => log.find(filter, { sort: { _id: -1 }, limit: limit + 1 }).toArray());
      const items = found.slice(0, limit).map(({ entry }): AuditEntry => JSON.parse(entry));
      return { items, next: found.length > limit ? (items.at(-1)?.id ?? null) : null };
    },
  };
}
