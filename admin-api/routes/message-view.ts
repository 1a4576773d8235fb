import { z } from 'zod';
import {
  type Attempt,
  finalStates,
  type MessageRecord,
  openStates,
  type RecipientRecord,
  type RefusalRecord,
  type TraceEntry,
} from '../../core/domain/message.ts';
import type { LogEntry, LogStatus } from '../../core/storage/ports/mail-log.ts';
import { component } from '../components.ts';
import { idSchema, isoTime, isoTimeOrNull, timeSchema } from './fields.ts';

export const recipientStateSchema = z.enum([...openStates, ...finalStates]);
const refusalOutcomes = ['refused', 'reset', 'aborted'] as const;
export const logStatusSchema = component('LogStatus', z.enum([...openStates, ...finalStates, ...refusalOutcomes]));

const recipientSchema = z.strictObject({
  address: z.string(),
  status: recipientStateSchema.nullable().describe('Null in a transaction that never became mail'),
  attempts: z.int(),
  next_at: timeSchema.nullable().describe('When it is tried next'),
  upstream: z.string().nullable().describe('Of the last attempt, or where it was rerouted to'),
  rerouted_to: z.string().nullable().describe('By operator’s order it goes there and nowhere else'),
  last_reply: z.string().nullable(),
  final_at: timeSchema.nullable(),
  ambiguous: z.boolean().describe('True once an outcome could not be known; there may be a second copy'),
});

const logEntryFields = {
  id: z.uuid().describe('Queue id of a message'),
  kind: z.enum(['message', 'refusal']).describe('`refusal`: a transaction that was refused or given up'),
  origin: z.enum(['smtp', 'bounce', 'submitted']),
  status: logStatusSchema.describe('Of the recipient that most wants attention'),
  at: timeSchema.describe('When it was accepted or refused'),
  owner_id: z.string().nullable().describe('A user’s id, or `network:` and the name of a trusted network'),
  credential_id: idSchema.nullable(),
  sender: z.string().describe('Reverse-path; empty for `<>`'),
  recipients: z.array(recipientSchema),
  subject: z.string().nullable(),
  message_id: z.string().nullable(),
  size: z.int().nullable().describe('Octets as stored'),
  reply: z.string().nullable().describe('The reply that refused it'),
  next_at: timeSchema.nullable(),
  being_delivered: z.boolean().describe('A worker is at it now'),
  requested: z.string().nullable().describe('What a worker was asked to do with it'),
};
export const logEntrySchema = component('MailLogEntry', z.strictObject(logEntryFields));

const attemptSchema = component(
  'Attempt',
  z.strictObject({
    at: timeSchema,
    upstream: z.string(),
    host: z.string().nullable(),
    phase: z.string().describe('How far the transaction with the upstream came'),
    tls: z.string().nullable(),
    milliseconds: z.number(),
    ambiguous: z.boolean(),
    results: z.array(z.strictObject({ recipient: z.string(), status: recipientStateSchema, reply: z.string() })),
  }),
);

const traceSchema = z.strictObject({
  hook: z.string(),
  plugin: z.string(),
  verdict: z.string(),
  microseconds: z.number(),
  reply: z.string().nullable(),
});

export const logDetailSchema = component(
  'MailLogDetail',
  z.strictObject({
    ...logEntryFields,
    source: z
      .strictObject({
        session_id: z.string(),
        listener: z.string(),
        client_address: z.string(),
        helo: z.string().nullable(),
        tls: z.string().nullable(),
      })
      .nullable(),
    sha256: z.string().nullable().describe('Of the bytes as stored'),
    pipeline_version: z.int().describe('Version of the configuration that judged it'),
    trace: z.array(traceSchema).describe('Every hook call with its verdict'),
    attempts: z.array(attemptSchema),
  }),
);
type LogEntryView = z.infer<typeof logEntrySchema>;
type LogDetailView = z.infer<typeof logDetailSchema>;

/** Most urgent first: what is still open, then what went wrong, then what went well. */
const urgency: readonly LogStatus[] = [
  ...openStates,
  'bounced',
  'expired',
  'cancelled',
  'discarded',
  'captured',
  'relayed',
  'delivered',
];

const isToBounce = ({ bounceOrdered }: RecipientRecord): boolean => bounceOrdered === true;

function messageView(record: MessageRecord, leased: boolean): LogEntryView {
  const states = new Set<LogStatus>(record.recipients.map(({ state }) => state));
  return {
    id: record.id,
    kind: 'message',
    origin: record.origin,
    status: urgency.find((state) => states.has(state)) ?? 'delivered',
    at: isoTime(record.acceptedAt),
    owner_id: record.ownerId,
    credential_id: record.credentialId,
    sender: record.sender,
    recipients: record.recipients.map((recipient) => ({
      address: recipient.address,
      status: recipient.state,
      attempts: recipient.attempts,
      next_at: isoTimeOrNull(recipient.nextAt),
      upstream: recipient.upstream,
      rerouted_to: recipient.reroutedTo ?? null,
      last_reply: recipient.lastReply,
      final_at: isoTimeOrNull(recipient.finalAt),
      ambiguous: recipient.ambiguous === true,
    })),
    subject: record.subject,
    message_id: record.messageId,
    size: record.size,
    reply: null,
    next_at: isoTimeOrNull(record.nextAt),
    being_delivered: leased,
    requested: record.requested?.do ?? (record.recipients.some(isToBounce) ? 'bounce' : null),
  };
}

function refusalView(record: RefusalRecord): LogEntryView {
  const untried = {
    status: null,
    attempts: 0,
    next_at: null,
    upstream: null,
    rerouted_to: null,
    last_reply: null,
    final_at: null,
    ambiguous: false,
  };
  return {
    id: record.id,
    kind: 'refusal',
    origin: 'smtp',
    status: record.outcome,
    at: isoTime(record.at),
    owner_id: record.ownerId,
    credential_id: record.credentialId,
    sender: record.sender,
    recipients: record.recipients.map((address) => ({ address, ...untried })),
    subject: null,
    message_id: null,
    size: null,
    reply: record.reply,
    next_at: null,
    being_delivered: false,
    requested: null,
  };
}

export const logEntryView = (entry: LogEntry): LogEntryView =>
  entry.kind === 'message' ? messageView(entry.record, entry.leased) : refusalView(entry.record);

const attemptView = (attempt: Attempt) => ({
  at: isoTime(attempt.at),
  upstream: attempt.upstream,
  host: attempt.host,
  phase: attempt.phase,
  tls: attempt.tls,
  milliseconds: attempt.milliseconds,
  ambiguous: attempt.ambiguous,
  results: attempt.results.map(({ recipient, state, reply }) => ({ recipient, status: state, reply })),
});

const traceView = ({ hook, plugin, verdict, micros, reply }: TraceEntry) => ({
  hook,
  plugin,
  verdict,
  microseconds: micros,
  reply: reply ?? null,
});

export function logDetailView(entry: LogEntry, attempts: readonly Attempt[]): LogDetailView {
  const { source, trace, pipelineVersion } = entry.record;
  return {
    ...logEntryView(entry),
    source:
      source === null
        ? null
        : {
            session_id: source.sessionId,
            listener: source.listener,
            client_address: source.clientAddress,
            helo: source.helo,
            tls: source.tls,
          },
    sha256: entry.kind === 'message' ? entry.record.sha256 : null,
    pipeline_version: pipelineVersion,
    trace: trace.map(traceView),
    attempts: attempts.map(attemptView),
  };
}
