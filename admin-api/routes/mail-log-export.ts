import { z } from 'zod';
import type { Clock } from '../../core/domain/clock.ts';
import type { LogEntry, MailLog, MailLogFilter } from '../../core/storage/ports/mail-log.ts';
import { csvLines, csvType, savedAs } from '../http/csv.ts';
import { bind, defineRoute } from '../route.ts';
import { mailLogFilter, mailLogFilterFields } from './mail-log-filter.ts';
import { logEntryView } from './message-view.ts';

export const exportMailLogs = defineRoute({
  id: 'exportMailLogs',
  method: 'GET',
  path: '/api/mail-logs/export',
  tag: 'mail-logs',
  summary: 'The log as CSV: a line for each recipient of each message that is meant',
  description:
    'Everything up to now, however long; read as fast as the client takes it. A cell that a spreadsheet would take for a formula begins with an apostrophe.',
  security: 'user',
  scope: 'mail:read',
  query: z.strictObject(mailLogFilterFields),
  answers: { 200: { description: 'The log', mediaTypes: [csvType] } },
  errors: ['FORBIDDEN'],
});

export const mailLogExportRoutes = [exportMailLogs];

const pageSize = 200;

const columns = [
  'id',
  'at',
  'kind',
  'origin',
  'status',
  'sender',
  'recipient',
  'upstream',
  'attempts',
  'last_reply',
  'final_at',
  'subject',
  'message_id',
  'size',
  'owner_id',
  'credential_id',
  'client_address',
] as const;
type Row = Readonly<Record<(typeof columns)[number], string | number | null>>;

/** A transaction that was refused before its first recipient has a line, too. */
const nobody = { address: null, status: null, upstream: null, attempts: 0, last_reply: null, final_at: null };

function rowsOf(entry: LogEntry): Row[] {
  const { id, at, kind, origin, status, sender, recipients, ...rest } = logEntryView(entry);
  const { subject, message_id, size, owner_id, credential_id, reply } = rest;
  const client_address = entry.record.source?.clientAddress ?? null;
  const common = { id, at, kind, origin, sender, subject, message_id, size, owner_id, credential_id, client_address };
  return (recipients.length === 0 ? [nobody] : recipients).map((recipient) => ({
    ...common,
    status: recipient.status ?? status,
    recipient: recipient.address,
    upstream: recipient.upstream,
    attempts: recipient.attempts,
    last_reply: recipient.last_reply ?? reply,
    final_at: recipient.final_at,
  }));
}

const linesOf = (entries: readonly LogEntry[]): string =>
  csvLines(entries.flatMap(rowsOf).map((row) => columns.map((column) => row[column])));

export function bindMailLogExport({ mailLog, clock }: { mailLog: MailLog; clock: Clock }) {
  /** Page by page, each read when the client has taken the one before. */
  async function* exported(filter: MailLogFilter, oldestFirst: boolean) {
    yield csvLines([columns]);
    for (let after: string | null | undefined; after !== null; ) {
      const cursor: { after?: string } = after === undefined ? {} : { after };
      const page = await mailLog.list(filter, { limit: pageSize, oldestFirst, ...cursor });
      if (page.items.length > 0) yield linesOf(page.items);
      after = page.next;
    }
  }

  return [
    bind(exportMailLogs)(async ({ caller, query }) => {
      // Without an end an export of the oldest first would never catch up with a busy relay.
      const until = Math.min(query.until ?? Number.MAX_SAFE_INTEGER, clock.now() + 1);
      const body = exported(mailLogFilter(caller, { ...query, until }), query.sort === 'oldest');
      return { status: 200, body, headers: savedAs(csvType, 'mail-log.csv') };
    }),
  ];
}
