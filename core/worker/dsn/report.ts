import { hash, randomBytes } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import { isAscii } from '../../domain/domain-name.ts';
import { headerDate } from '../../domain/header-date.ts';
import type { MessageRecord } from '../../domain/message.ts';
import type { NewMessage } from '../../storage/ports/message-store.ts';
import { explanation, subjects } from './explanation.ts';
import type { ReportKind } from './report-kind.ts';
import type { ReturnedContent } from './returned-content.ts';
import { type ReportedRecipient, type ReportFacts, statusFields } from './status-fields.ts';

export interface ReportContext {
  readonly hostname: string;
  readonly now: number;
  readonly retryUntil: number;
}

const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1).toLowerCase();

/**
 * A delivery status notification (RFC 3464, RFC 6522; RFC 6533 where addresses or headers are beyond ASCII) about
 * recipients of `record`, as a message from `<>` to its sender, ready to be stored.
 */
export function report(
  record: MessageRecord,
  kind: ReportKind,
  recipients: readonly ReportedRecipient[],
  returned: ReturnedContent,
  { hostname, now, retryUntil }: ReportContext,
): NewMessage {
  const id = uuidv7();
  const international =
    record.parameters.smtputf8 === true ||
    !isAscii(record.sender) ||
    recipients.some(({ recipient }) => !isAscii(recipient.address));
  const { envid } = record.parameters;
  const facts: ReportFacts = {
    reportingMta: hostname,
    now,
    arrivedAt: record.acceptedAt,
    retryUntil,
    envid,
    international,
  };
  const text = explanation(kind, recipients, hostname, international);
  const fields = statusFields(recipients, facts);
  const eightBit = !isAscii(text) || !isAscii(fields) || returned.octets.some((octet) => octet > 0x7f);
  const encoding = `Content-Transfer-Encoding: ${eightBit ? '8bit' : '7bit'}`;
  const boundary = `=_${randomBytes(18).toString('hex')}`;
  const messageId = `<${id}@${hostname}>`;
  const subject = subjects[kind];
  const head = [
    `Date: ${headerDate(now)}`,
    `From: Mail Delivery System <MAILER-DAEMON@${hostname}>`,
    `To: <${record.sender}>`,
    `Subject: ${subject}`,
    `Message-ID: ${messageId}`,
    ...(record.messageId === null || !isAscii(record.messageId) ? [] : [`References: ${record.messageId}`]),
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status;',
    ` boundary="${boundary}"`,
    encoding,
    '',
    'This is a delivery report in MIME format.',
    '',
    `--${boundary}`,
    `Content-Type: text/plain; charset=${international ? 'utf-8' : 'us-ascii'}`,
    encoding,
    '',
    text,
    `--${boundary}`,
    `Content-Type: message/${international ? 'global-' : ''}delivery-status`,
    encoding,
    '',
    fields,
    `--${boundary}`,
    `Content-Type: ${returnedType(returned, international)}`,
    encoding,
    '',
    '',
  ].join('\r\n');
  const bytes = Buffer.concat([Buffer.from(head), returned.octets, Buffer.from(`\r\n--${boundary}--\r\n`)]);
  return {
    facts: {
      id,
      origin: 'bounce',
      ownerId: record.ownerId,
      credentialId: record.credentialId,
      acceptedAt: now,
      source: null,
      sender: '',
      parameters: {
        size: bytes.length,
        ...(eightBit ? { body: '8BITMIME' } : {}),
        ...(international ? { smtputf8: true } : {}),
      },
      size: bytes.length,
      sha256: hash('sha256', bytes, 'hex'),
      messageId,
      subject,
      headerEdits: [],
      notes: {},
      trace: [],
      pipelineVersion: record.pipelineVersion,
    },
    recipients: [
      {
        address: record.sender,
        domain: domainOf(record.sender),
        state: 'queued',
        attempts: 0,
        nextAt: now,
        upstream: null,
        lastReply: null,
        finalAt: null,
        // RFC 3461 §6.1: nothing is ever said about a report.
        parameters: { notify: ['NEVER'] },
      },
    ],
    body: { kind: 'inline', bytes },
  };
}

function returnedType({ what }: ReturnedContent, international: boolean): string {
  if (what === 'message') return international ? 'message/global' : 'message/rfc822';
  return international ? 'message/global-headers' : 'text/rfc822-headers';
}
