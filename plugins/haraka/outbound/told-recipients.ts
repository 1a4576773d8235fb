import { isPermanent, type Reply } from '../../../core/domain/reply.ts';
import type { OutboundRecipient } from './hmail.ts';

const textOf = ({ text }: Reply): string => (typeof text === 'string' ? text : text.join(' '));

/** The words of a reply without its codes, as Haraka keeps them. */
export const responseText = textOf;

/** `450 4.2.0 greylisted`, as Haraka words reasons. */
export const reasonOf = (reply: Reply): string =>
  [String(reply.code), reply.enhanced, textOf(reply)].filter((part) => part !== null && part !== '').join(' ');

/** Writes onto a recipient what was said of it, where Haraka's plugins look for it. */
export function noteReply(recipient: OutboundRecipient, reply: Reply, remote: string | null, failed: boolean): void {
  recipient.dsn_action = failed ? 'failed' : 'delayed';
  const enhanced = reply.enhanced ?? (isPermanent(reply) ? '5.0.0' : '4.0.0');
  recipient.dsn_status = failed ? enhanced.replace(/^4/, '5') : enhanced;
  recipient.dsn_smtp_code = String(reply.code);
  if (reply.enhanced !== null) recipient.dsn_smtp_extc = reply.enhanced;
  recipient.dsn_smtp_response = textOf(reply);
  if (remote !== null) recipient.dsn_remote_mta = remote;
  recipient.reason = reasonOf(reply);
}
