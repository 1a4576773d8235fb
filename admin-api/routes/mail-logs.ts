import { z } from 'zod';
import type { Clock } from '../../core/domain/clock.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { MailLog } from '../../core/storage/ports/mail-log.ts';
import { maySee, ownerFilter } from '../auth/visibility.ts';
import { component } from '../components.ts';
import { bind, defineRoute } from '../route.ts';
import { given, idParams, instantSchema, isoTime, pageFields, pageOf, pageOptions } from './fields.ts';
import { mailLogFilter, mailLogFilterFields, mailOwnerFields } from './mail-log-filter.ts';
import { logDetailSchema, logDetailView, logEntrySchema, logEntryView } from './message-view.ts';
import { statisticsSchema, statisticsView } from './statistics-view.ts';

const day = 86_400_000;
const longestSpan = 366 * day;

export const listMailLogs = defineRoute({
  id: 'listMailLogs',
  method: 'GET',
  path: '/api/mail-logs',
  tag: 'mail-logs',
  summary: 'Messages and refused transactions, newest first unless told otherwise',
  description:
    'A page may have fewer entries than `limit`, or none, though more follow: `next` tells. Mail that comes meanwhile moves nothing from one page to another.',
  security: 'user',
  scope: 'mail:read',
  query: z.strictObject({ ...pageFields, ...mailLogFilterFields }),
  answers: { 200: { description: 'A page', schema: component('MailLogPage', pageOf(logEntrySchema)) } },
  errors: ['FORBIDDEN'],
});

export const getMailStatistics = defineRoute({
  id: 'getMailStatistics',
  method: 'GET',
  path: '/api/mail-logs/stats',
  tag: 'mail-logs',
  summary: 'How much mail became what: in all, by status, by hour and by day',
  security: 'user',
  scope: 'mail:read',
  query: z.strictObject({
    ...mailOwnerFields,
    from: instantSchema.optional().describe('Default: seven days before `until`'),
    until: instantSchema.optional().describe('Default: now'),
  }),
  answers: { 200: { description: 'The figures, in recipients', schema: statisticsSchema } },
  errors: ['FORBIDDEN'],
});

export const getMailLog = defineRoute({
  id: 'getMailLog',
  method: 'GET',
  path: '/api/mail-logs/{id}',
  tag: 'mail-logs',
  summary: 'One message or refusal with its trace and attempts',
  security: 'user',
  scope: 'mail:read',
  params: idParams,
  answers: { 200: { description: 'The entry', schema: logDetailSchema } },
  errors: ['NOT_FOUND'],
});

export const mailLogRoutes = [listMailLogs, getMailStatistics, getMailLog];

function checkSpan(from: number, until: number): void {
  if (from < until && until - from <= longestSpan) return;
  const message = 'has to be before `until`, by at most 366 days';
  throw new SluiceError('REQUEST_INVALID', `query.from: ${message}`, { problems: [{ path: 'query.from', message }] });
}

export function bindMailLogs({ mailLog, clock }: { mailLog: MailLog; clock: Clock }) {
  return [
    bind(listMailLogs)(async ({ caller, query }) => {
      const options = { ...pageOptions(query), oldestFirst: query.sort === 'oldest' };
      const page = await mailLog.list(mailLogFilter(caller, query), options);
      return { status: 200, body: { items: page.items.map(logEntryView), next: page.next } };
    }),

    bind(getMailStatistics)(async ({ caller, query }) => {
      const until = query.until ?? clock.now();
      const from = query.from ?? until - 7 * day;
      checkSpan(from, until);
      const filter = { ...ownerFilter(caller, query.owner_id), ...given({ credentialId: query.credential_id }) };
      const rows = await mailLog.statistics({ ...filter, from, until });
      return { status: 200, body: { from: isoTime(from), until: isoTime(until), ...statisticsView(rows) } };
    }),

    bind(getMailLog)(async ({ caller, params }) => {
      const entry = await mailLog.get(params.id);
      if (entry === null || !maySee(caller, entry.record.ownerId)) {
        throw new SluiceError('NOT_FOUND', 'there is no such message; it may have been purged');
      }
      const attempts = entry.kind === 'message' ? await mailLog.attempts(params.id) : [];
      return { status: 200, body: logDetailView(entry, attempts) };
    }),
  ];
}
