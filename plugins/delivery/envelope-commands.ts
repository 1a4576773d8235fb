import { isAscii } from '../../core/domain/domain-name.ts';
import type { MessageRecord } from '../../core/domain/message.ts';
import type { TransactionCommands } from './transaction.ts';

/** What the envelope may say to this upstream, and what the message needs. */
export interface EnvelopeNeeds {
  /** Octets as they will be sent, about. */
  readonly size: number;
  readonly eightBit: boolean;
  /** The header block holds UTF-8 (RFC 6532). */
  readonly utf8Headers: boolean;
}

/**
 * MAIL and RCPT for some recipients of a message, with the parameters that this upstream knows: SIZE (RFC 1870), BODY
 * (RFC 6152), SMTPUTF8 (RFC 6531) and DSN (RFC 3461), ENVID and ORCPT exactly as received.
 */
export function envelopeCommands(
  record: MessageRecord,
  recipients: readonly number[],
  needs: EnvelopeNeeds,
  capabilities: ReadonlyMap<string, string>,
): TransactionCommands {
  const dsn = capabilities.has('DSN');
  let mail = `MAIL FROM:<${record.sender}>`;
  let utf8 = needs.utf8Headers || !isAscii(record.sender);
  const rcpt = recipients.map((index) => {
    const recipient = record.recipients[index];
    const address = recipient?.address ?? '';
    utf8 ||= !isAscii(address);
    let line = `RCPT TO:<${address}>`;
    if (dsn && recipient?.parameters !== undefined) {
      const { notify, orcpt } = recipient.parameters;
      if (notify !== undefined && notify.length > 0) line += ` NOTIFY=${notify.join(',')}`;
      if (orcpt !== undefined) line += ` ORCPT=${orcpt}`;
    }
    return line;
  });
  if (capabilities.has('SIZE')) mail += ` SIZE=${needs.size}`;
  if (needs.eightBit && capabilities.has('8BITMIME')) mail += ' BODY=8BITMIME';
  if (utf8 && capabilities.has('SMTPUTF8')) mail += ' SMTPUTF8';
  if (dsn) {
    const { ret, envid } = record.parameters;
    if (ret !== undefined) mail += ` RET=${ret}`;
    if (envid !== undefined) mail += ` ENVID=${envid}`;
  }
  return { mail, rcpt };
}
