import type { ReportKind } from './report-kind.ts';
import { plain, type ReportedRecipient } from './status-fields.ts';

export const subjects: Readonly<Record<ReportKind, string>> = {
  failed: 'Your message could not be delivered',
  delayed: 'Your message has not been delivered yet',
  relayed: 'Your message was passed on',
};

const openings: Readonly<Record<ReportKind, string>> = {
  failed: 'your message could not be delivered to the recipients below. It will not be tried again.',
  delayed:
    'your message could not be delivered yet to the recipients below. It will be tried again; you need not send it once more.',
  relayed:
    'your message was passed on to the next server for the recipients below. That server cannot confirm deliveries, so you will hear no more of them.',
};

/** The part of a report that people read. */
export function explanation(
  kind: ReportKind,
  recipients: readonly ReportedRecipient[],
  hostname: string,
  international: boolean,
): string {
  const lines = [`This is the mail relay ${hostname}.`, '', `Dear sender, ${openings[kind]}`, ''];
  for (const { recipient } of recipients) {
    lines.push(`  <${plain(recipient.address, international)}>`);
    if (recipient.state === 'expired') lines.push('    It was tried until its time was over. The last answer was:');
    if (recipient.lastReply !== null) lines.push(`    ${plain(recipient.lastReply, international)}`);
    lines.push('');
  }
  lines.push('The details for machines, and what was sent, are attached.', '');
  return lines.join('\r\n');
}
