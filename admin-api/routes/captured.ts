import { z } from 'zod';
import { SluiceError } from '../../core/domain/errors.ts';
import type { LogEntry, MailLog } from '../../core/storage/ports/mail-log.ts';
import { maySee } from '../auth/visibility.ts';
import { bind, type Caller, defineRoute } from '../route.ts';
import { idParams, pageFields, pageOptions } from './fields.ts';
import { mailLogFilter, mailLogFilterFields } from './mail-log-filter.ts';
import { listMailLogs } from './mail-logs.ts';
import { logDetailSchema, logDetailView, logEntryView } from './message-view.ts';
import { rawMessage } from './raw-message.ts';

const tag = 'captured';
const { status: _, ...filterFields } = mailLogFilterFields;

export const listCaptured = defineRoute({
  id: 'listCaptured',
  method: 'GET',
  path: '/api/captured',
  tag,
  summary: 'Messages that went into the capture box, newest first unless told otherwise',
  description: 'A page may have fewer entries than `limit`, or none, though more follow: `next` tells.',
  security: 'user',
  scope: 'mail:read',
  query: z.strictObject({ ...pageFields, ...filterFields }),
  answers: { 200: { description: 'A page', schema: listMailLogs.answers[200].schema } },
  errors: ['FORBIDDEN'],
});

export const getCaptured = defineRoute({
  id: 'getCaptured',
  method: 'GET',
  path: '/api/captured/{id}',
  tag,
  summary: 'One captured message with its trace',
  security: 'user',
  scope: 'mail:read',
  params: idParams,
  answers: { 200: { description: 'The message', schema: logDetailSchema } },
  errors: ['NOT_FOUND'],
});

export const getRawCaptured = defineRoute({
  id: 'getRawCaptured',
  method: 'GET',
  path: '/api/captured/{id}/raw',
  tag,
  summary: 'A captured message as it would have been relayed, header and body',
  description: 'Octets with CRLF line ends (RFC 5322), header edits applied. Kept for `retention.captured`.',
  security: 'user',
  scope: 'mail:read',
  params: idParams,
  answers: { 200: { description: 'The message', mediaTypes: ['message/rfc822'] } },
  errors: ['NOT_FOUND'],
});

export const capturedRoutes = [listCaptured, getCaptured, getRawCaptured];

type CapturedMessage = Extract<LogEntry, { kind: 'message' }>;

export function bindCaptured({ mailLog }: { mailLog: MailLog }) {
  /** What is another's, or was sent to somebody after all, is not there. */
  const captured = async (caller: Caller, id: string): Promise<CapturedMessage> => {
    const entry = await mailLog.get(id);
    if (entry?.kind === 'message' && maySee(caller, entry.record.ownerId)) {
      if (entry.record.recipients.some(({ state }) => state === 'captured')) return entry;
    }
    throw new SluiceError('NOT_FOUND', 'there is no such captured message; it may have been purged');
  };

  return [
    bind(listCaptured)(async ({ caller, query }) => {
      const filter = mailLogFilter(caller, { ...query, status: 'captured' });
      const page = await mailLog.list(filter, { ...pageOptions(query), oldestFirst: query.sort === 'oldest' });
      return { status: 200, body: { items: page.items.map(logEntryView), next: page.next } };
    }),

    bind(getCaptured)(async ({ caller, params }) => {
      const entry = await captured(caller, params.id);
      return { status: 200, body: logDetailView(entry, await mailLog.attempts(params.id)) };
    }),

    bind(getRawCaptured)(async ({ caller, params }) => {
      const { record } = await captured(caller, params.id);
      return { status: 200, ...(await rawMessage(mailLog, record)) };
    }),
  ];
}
