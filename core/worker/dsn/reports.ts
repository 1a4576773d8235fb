import type { Attempt, MessageRecord, RecipientRecord } from '../../domain/message.ts';
import type { Message } from '../../pipeline/session.ts';
import type { NewMessage } from '../../storage/ports/message-store.ts';
import { type ReportContext, report } from './report.ts';
import { type ReportKind, type ReportRules, reportKind } from './report-kind.ts';
import { returnedContent } from './returned-content.ts';
import type { ReportedRecipient } from './status-fields.ts';

/** Recipients in one report: with more it would outgrow the piece in which it is stored. */
const mostRecipients = 100;
const kinds: readonly ReportKind[] = ['failed', 'delayed', 'relayed'];

export interface ReportSettings extends ReportRules {
  readonly bounce: 'send' | 'none';
  readonly max_age: number;
}

/** A recipient's new state and the attempt that led to it, if any did. */
export interface ChangedRecipient {
  readonly recipient: RecipientRecord;
  readonly attempt: Attempt | null;
}

/** The host of `192.0.2.1:25` or `[::1]:25`; none of `unix:/path`. */
const hostOf = (attempt: Attempt | null): string | null => {
  const host = attempt?.host ?? null;
  return host === null || host.startsWith('unix:') ? null : host.replace(/:\d+$/, '');
};

/**
 * The reports that new states of recipients bring forth; almost always none. Nothing is ever reported to `<>`, nor
 * about a report.
 */
export function reports(
  record: MessageRecord,
  changed: readonly ChangedRecipient[],
  message: () => Message | Promise<Message>,
  settings: ReportSettings,
  context: Omit<ReportContext, 'retryUntil'>,
): readonly NewMessage[] | Promise<readonly NewMessage[]> {
  if (settings.bounce === 'none' || record.sender === '' || record.origin === 'bounce') return [];
  let reported: ReportedRecipient[] | null = null;
  for (const { recipient, attempt } of changed) {
    const kind = reportKind(recipient, context.now - record.acceptedAt, settings);
    if (kind === null) continue;
    reported ??= [];
    reported.push({ recipient, kind, remote: hostOf(attempt) });
  }
  if (reported === null) return [];
  return write(record, reported, message, { ...context, retryUntil: record.acceptedAt + settings.max_age });
}

async function write(
  record: MessageRecord,
  reported: readonly ReportedRecipient[],
  message: () => Message | Promise<Message>,
  context: ReportContext,
): Promise<readonly NewMessage[]> {
  const made: NewMessage[] = [];
  for (const kind of kinds) {
    const ofKind = reported.filter((each) => each.kind === kind);
    // RFC 3461 §4.3: RET speaks of failures; other reports give the header block.
    const full = kind === 'failed' && record.parameters.ret === 'FULL';
    for (let from = 0; from < ofKind.length; from += mostRecipients) {
      const returned = await returnedContent(message, full);
      made.push(report(record, kind, ofKind.slice(from, from + mostRecipients), returned, context));
    }
  }
  return made;
}
