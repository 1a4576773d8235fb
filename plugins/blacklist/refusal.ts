import { disconnect, type Refusal, reply } from '../../core/pipeline/plugin.ts';

/** What is known of the entry that refuses a client. */
export interface Listed {
  readonly reason: string;
  readonly expiresAt: number | null;
}

/** Reply text is printable ASCII on one line (RFC 5321 §4.2); a reason comes from people. */
const printable = (text: string): string => text.replace(/[^\x20-\x7e]+/g, ' ').trim();

/** Tells why, until when, and what to do; the connection ends. */
export function refuseListed(address: string, { reason, expiresAt }: Listed): Refusal {
  const until =
    expiresAt === null ? '' : ` until ${new Date(expiresAt).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  const advice = 'if that is a mistake, ask the operator of this server to remove the entry';
  return disconnect(reply(554, '5.7.1', `${address} is blocked${until}: ${printable(reason)}; ${advice}`));
}
