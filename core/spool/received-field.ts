import { isIPv6 } from 'node:net';
import { normaliseDomain } from '../domain/domain-name.ts';
import { headerDate } from '../domain/header-date.ts';
import type { Session, Transaction } from '../pipeline/session.ts';

/** The "with" keyword of RFC 3848, or of RFC 6531 §4.3 where SMTPUTF8 was used. */
export function protocolKeyword(session: Session, smtputf8: boolean): string {
  if (session.hello?.verb !== 'EHLO') return 'SMTP';
  return `${smtputf8 ? 'UTF8SMTP' : 'ESMTP'}${session.tls === null ? '' : 'S'}${session.identity === null ? '' : 'A'}`;
}

const literal = (address: string): string => (isIPv6(address) ? `[IPv6:${address}]` : `[${address}]`);

/** The HELO name if it is a name or literal; else nothing of what a client may have put into it. */
function helloName(session: Session): string {
  const name = session.hello?.name ?? '';
  const literalName = /^\[[0-9a-f.:]{2,45}\]$|^\[ipv6:[0-9a-f.:]{2,45}\]$/i.test(name);
  return literalName || normaliseDomain(name) !== null ? name : 'unknown';
}

/**
 * The value of our Received field (RFC 5321 §4.4), put before the others before the first `message` hook runs. It names
 * the client and the queue id, a single recipient, and never what the client logged in with. `now` in milliseconds since the epoch.
 */
export function receivedField(session: Session, transaction: Transaction, hostname: string, now: number): string {
  const { parameters, recipients, id } = transaction;
  const [only, ...others] = recipients;
  // Naming one of several would tell each what was meant to be blind (RFC 5321 §7.2).
  const recipient = only === undefined || others.length > 0 ? '' : `\r\n\tfor <${only.address.text}>`;
  const keyword = protocolKeyword(session, parameters.smtputf8 ?? false);
  return `from ${helloName(session)} (${literal(session.remote.address)})\r\n\tby ${hostname} (Sluice) with ${keyword} id ${id}${recipient};\r\n\t${headerDate(now)}`;
}
