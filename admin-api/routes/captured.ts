import { z } from 'zod';
import { SluiceError } from '../../core/domain/errors.ts';
import type { LogEntry, MailLog } from '../../core/storage/ports/mail-log.ts';
import { maySee, ownerFilter } from '../auth/visibility.ts';
import { bind, type Caller, defineRoute } from '../route.ts';
import { given, idParams, idSchema, instantSchema, pageFields, pageOptions } from './fields.ts';
import { listMailLogs } from './mail-logs.ts';
import { logDetailSchema, logDetailView, logEntryView } from './message-view.ts';
import { rawMessage } from './raw-message.ts';

const tag = 'captured';
const text = z.string().min(1).max(1_000).optional();

export const listCaptured = defineRoute({
  id: 'listCaptured',
  method: 'GET',
  path: '/api/captured',
  tag,
  summary: 'Messages that went into the capture box, newest first',
  security: 'user',
  scope: 'mail:read',
  query: z.strictObject({
    ...pageFields,
    owner_id: z.string().min(1).max(100).optional().describe('For administrators: a user, or `network:` and a name'),
    credential_id: idSchema.optional(),
    address: text.describe('Whole address of the sender or a recipient'),
    domain: text.describe('Domain of a recipient'),
    from: instantSchema.optional(),
    until: instantSchema.optional(),
  }),
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
      const { address, domain, from, until } = query;
      const filter = {
        ...ownerFilter(caller, query.owner_id),
        ...given({ credentialId: query.credential_id, address, domain, from, until }),
        status: 'captured' as const,
      };
      const page = await mailLog.list(filter, pageOptions(query));
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
