import { z } from 'zod';
import type { AuditEntry, AuditFilter, AuditLog } from '../../core/storage/ports/audit-log.ts';
import { component } from '../components.ts';
import { bind, defineRoute } from '../route.ts';
import { given, idSchema, instantSchema, isoTime, pageFields, pageOf, pageOptions, timeSchema } from './fields.ts';

const valuesSchema = z.record(z.string(), z.unknown()).nullable();
const entrySchema = component(
  'AuditEntry',
  z.strictObject({
    id: idSchema,
    at: timeSchema,
    actor: z.strictObject({
      kind: z.enum(['user', 'api-key', 'control-socket', 'anonymous', 'system']),
      user_id: z.string().nullable(),
      api_key_id: z.string().nullable(),
    }),
    address: z.string().nullable().describe('Where the request came from; null on the control socket'),
    request_id: z.string().nullable().describe('`X-Request-Id` of the request'),
    action: z.string().meta({ examples: ['user.change'] }),
    subject: z.strictObject({ kind: z.string(), id: z.string() }),
    before: valuesSchema.describe('What changed, as it was; secrets as `changed`'),
    after: valuesSchema.describe('What changed, as it is'),
  }),
);

const word = z
  .string()
  .regex(/^[\w.:@/-]{1,200}$/, 'expected letters, digits and . : @ / - _')
  .optional();

export const listAuditLog = defineRoute({
  id: 'listAuditLog',
  method: 'GET',
  path: '/api/audit-log',
  tag: 'audit-log',
  summary: 'Who changed what, from what to what, from where; the newest first',
  description: 'Kept for a year.',
  security: 'admin',
  scope: 'admin',
  query: z.strictObject({
    ...pageFields,
    user_id: idSchema.optional().describe('Changes by this user, by API key or not'),
    action: word.describe('What was done').meta({ examples: ['user.change'] }),
    subject_kind: word.describe('What kind of thing it was done to').meta({ examples: ['smtp-credential'] }),
    subject_id: word.describe('Which thing it was done to'),
    from: instantSchema.optional().describe('At this time or later'),
    until: instantSchema.optional().describe('Before this time'),
  }),
  answers: { 200: { description: 'A page', schema: component('AuditPage', pageOf(entrySchema)) } },
});

export const auditLogRoutes = [listAuditLog];

const entryView = ({ actor, ...entry }: AuditEntry): z.input<typeof entrySchema> => ({
  id: entry.id,
  at: isoTime(entry.at),
  actor: {
    kind: actor.kind,
    user_id: 'userId' in actor ? actor.userId : null,
    api_key_id: 'keyId' in actor ? actor.keyId : null,
  },
  address: entry.address,
  request_id: entry.requestId,
  action: entry.action,
  subject: { ...entry.subject },
  before: entry.before === null ? null : { ...entry.before },
  after: entry.after === null ? null : { ...entry.after },
});

export const bindAuditLog = ({ auditLog }: { auditLog: AuditLog }) => [
  bind(listAuditLog)(async ({ query }) => {
    const { user_id: userId, action, subject_kind: subjectKind, subject_id: subjectId, from, until } = query;
    const filter: AuditFilter = given({ userId, action, subjectKind, subjectId, from, until });
    const { items, next } = await auditLog.list(filter, pageOptions(query));
    return { status: 200, body: { items: items.map(entryView), next } };
  }),
];
