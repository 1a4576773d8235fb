import { isAscii } from '../../domain/domain-name.ts';
import { headerDate } from '../../domain/header-date.ts';
import type { RecipientRecord } from '../../domain/message.ts';
import type { ReportKind } from './report-kind.ts';
import { decodeXtext } from './xtext.ts';

/** One recipient as the report names it. */
export interface ReportedRecipient {
  readonly recipient: RecipientRecord;
  readonly kind: ReportKind;
  /** Host of the last attempt, without port; null if it came to none. */
  readonly remote: string | null;
}

export interface ReportFacts {
  readonly reportingMta: string;
  readonly now: number;
  readonly arrivedAt: number;
  /** When a delayed recipient is given up. */
  readonly retryUntil: number;
  readonly envid: string | undefined;
  /** Addresses and texts may hold UTF-8 (RFC 6533). */
  readonly international: boolean;
}

const reply = /^(\d{3})(?: ([245]\.\d{1,3}\.\d{1,3}))? ?(.*)$/s;

/** Status of RFC 3463: the upstream's own, 4.4.7 for mail too old, else the class of its reply. */
export function statusOf({ recipient, kind }: ReportedRecipient): string {
  if (recipient.state === 'expired') return '4.4.7';
  const match = reply.exec(recipient.lastReply ?? '');
  const expected = kind === 'failed' ? '5' : kind === 'delayed' ? '4' : '2';
  if (match?.[2]?.startsWith(expected)) return match[2];
  return `${expected}.0.0`;
}

/** Printable, on one line, and ASCII where the report has to be. */
export function plain(text: string, international: boolean): string {
  const line = text.replaceAll(/\p{Cc}+/gu, ' ').trim();
  return international ? line : line.replaceAll(/[^ -~]/g, '?');
}

function finalRecipient(address: string, international: boolean): string {
  return international && !isAscii(address) ? `utf-8; ${address}` : `rfc822; ${plain(address, false)}`;
}

function originalRecipient(orcpt: string): string {
  const separator = orcpt.indexOf(';');
  // RFC 3464 §2.3.1: the address type as received, the address without its xtext encoding.
  return `${orcpt.slice(0, separator)}; ${decodeXtext(orcpt.slice(separator + 1))}`;
}

/** The body of `message/delivery-status` (RFC 3464 §2.1), one group of fields for the message and one a recipient. */
export function statusFields(recipients: readonly ReportedRecipient[], facts: ReportFacts): string {
  const { international } = facts;
  const groups = [[`Reporting-MTA: dns; ${facts.reportingMta}`, `Arrival-Date: ${headerDate(facts.arrivedAt)}`]];
  if (facts.envid !== undefined) groups[0]?.unshift(`Original-Envelope-Id: ${decodeXtext(facts.envid)}`);
  for (const reported of recipients) {
    const { recipient, kind, remote } = reported;
    const orcpt = recipient.parameters?.orcpt;
    const fields: string[] = [];
    if (orcpt?.includes(';')) fields.push(`Original-Recipient: ${plain(originalRecipient(orcpt), international)}`);
    fields.push(`Final-Recipient: ${finalRecipient(recipient.address, international)}`);
    fields.push(`Action: ${kind}`, `Status: ${statusOf(reported)}`);
    if (remote !== null) fields.push(`Remote-MTA: dns; ${remote}`);
    if (recipient.lastReply !== null) {
      fields.push(`Diagnostic-Code: smtp; ${plain(recipient.lastReply, international)}`);
    }
    fields.push(`Last-Attempt-Date: ${headerDate(facts.now)}`);
    if (kind === 'delayed') fields.push(`Will-Retry-Until: ${headerDate(facts.retryUntil)}`);
    groups.push(fields);
  }
  return groups.map((fields) => `${fields.join('\r\n')}\r\n`).join('\r\n');
}
