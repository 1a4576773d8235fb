import { isIPv4, isIPv6 } from 'node:net';
import { isAscii, normaliseDomain } from './domain-name.ts';
import type { Address } from './envelope.ts';
import { canonicalAddress } from './ip-network.ts';

/** Why a mailbox was not taken: bad syntax, a bad domain part, or a form that would route through us. `text` tells a person. */
export interface MailboxFault {
  readonly fault: 'syntax' | 'domain' | 'routing';
  readonly text: string;
}

/** Old forms of routing, as `smtp.addresses` of the configuration allows or refuses them. */
export interface AddressPolicy {
  readonly percent_hack: boolean;
  readonly bang_path: boolean;
  readonly source_route: boolean;
}

/** All routing forms refused: the default. */
export const strictAddresses: AddressPolicy = { percent_hack: false, bang_path: false, source_route: false };

const longestLocal = 64;
const quote = 0x22;
const backslash = 0x5c;

const syntax = (text: string): MailboxFault => ({ fault: 'syntax', text });

/** atext of RFC 5321 §4.1.2 with RFC 6531 §3.3: everything printable but the specials. */
const specials = new Set([...'()<>[]:;@\\,." '].map((c) => c.charCodeAt(0)));
const isAtext = (code: number): boolean => (code > 0x20 && code < 0x7f ? !specials.has(code) : isBeyondAscii(code));
/** C1 controls and the replacement character, which stands for bytes that were no UTF-8, are no text. */
const isBeyondAscii = (code: number): boolean => code > 0x9f && code !== 0xfffd;

/** Reads a local part from `start`; answers its value without quoting and where it ends. */
function scanLocal(text: string, start: number): { value: string; end: number } | MailboxFault {
  let i = start;
  if (text.charCodeAt(i) === quote) {
    let value = '';
    for (i++; i < text.length; i++) {
      let code = text.charCodeAt(i);
      if (code === quote) {
        return value === '' ? syntax('The quoted local part is empty') : { value, end: i + 1 };
      }
      if (code === backslash) {
        i++;
        code = text.charCodeAt(i);
        if (!(code >= 0x20 && code < 0x7f)) return syntax('A backslash has to be followed by a printable character');
      } else if (!((code >= 0x20 && code < 0x7f) || isBeyondAscii(code))) {
        return syntax('The quoted local part holds a character that is not printable');
      }
      value += text[i];
    }
    return syntax('The quoted local part has no closing quote');
  }
  let dotAllowed = false;
  for (; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x2e) {
      if (!dotAllowed) return syntax('The local part begins with a dot or has two in a row; put it in quotes');
      dotAllowed = false;
    } else if (isAtext(code)) dotAllowed = true;
    else break;
  }
  if (i === start) return syntax('There is no local part before the @');
  if (!dotAllowed) return syntax('The local part ends with a dot; put it in quotes');
  return { value: text.slice(start, i), end: i };
}

/** An address literal (RFC 5321 §4.1.3) in its only spelling, or null. An IPv4 address inside an IPv6 one is refused. */
function normaliseLiteral(text: string): string | null {
  const inner = text.slice(1, -1);
  if (isIPv4(inner)) return `[${inner}]`;
  if (inner.slice(0, 5).toLowerCase() !== 'ipv6:') return null;
  const address = inner.slice(5);
  const canonical = isIPv6(address) && !address.includes('%') ? canonicalAddress(address) : null;
  return canonical === null || isIPv4(canonical) ? null : `[IPv6:${canonical}]`;
}

function endOfDomain(text: string, start: number): number {
  const literal = text[start] === '[';
  for (let i = start; i < text.length; i++) {
    const c = text[i];
    if (literal ? c === ']' : c === '>' || c === ' ' || c === ',' || c === ':') return literal ? i + 1 : i;
  }
  return text.length;
}

/** Reads a domain or address literal from `start`: its normal form and where it ends. */
export function scanDomain(text: string, start: number): { value: string; end: number } | MailboxFault {
  const end = endOfDomain(text, start);
  const domain = text.slice(start, end);
  if (domain === '') return { fault: 'domain', text: 'There is no domain behind the @' };
  if (Buffer.byteLength(domain) > 255) return { fault: 'domain', text: 'The domain is longer than 255 octets' };
  if (domain[0] === '[') {
    const value = normaliseLiteral(domain);
    return value === null
      ? { fault: 'domain', text: 'The address literal has to look like [192.0.2.1] or [IPv6:2001:db8::1]' }
      : { value, end };
  }
  const value = domain.endsWith('.') ? null : normaliseDomain(domain);
  return value === null
    ? { fault: 'domain', text: 'The domain is not a valid name such as example.com' }
    : { value, end };
}

/** Whether a mailbox asks to be routed further by whoever gets it. Quoting does not hide it: next hops undo it. */
function routingFault(local: string, policy: AddressPolicy): MailboxFault | null {
  if (!policy.percent_hack && local.includes('%')) {
    return { fault: 'routing', text: 'Routing by % in an address is not done here; give the final address' };
  }
  if (!policy.bang_path && local.includes('!')) {
    return { fault: 'routing', text: 'Routing by ! in an address is not done here; give the final address' };
  }
  return local.startsWith('|') ? { fault: 'routing', text: 'Mail to a program is not taken; give an address' } : null;
}

/** Reads `local@domain` from `start` (RFC 5321 §4.1.2, RFC 6531 §3.3); answers the address and where it ends. */
export function scanMailbox(
  text: string,
  start: number,
  policy: AddressPolicy,
): { address: Address; end: number } | MailboxFault {
  const local = scanLocal(text, start);
  if ('fault' in local) return local;
  if (Buffer.byteLength(text.slice(start, local.end)) > longestLocal) {
    return syntax('The local part is longer than 64 octets');
  }
  if (text[local.end] !== '@') return syntax('An address has to look like user@example.com');
  const domain = scanDomain(text, local.end + 1);
  if ('fault' in domain) return domain;
  const routed = routingFault(local.value, policy);
  if (routed !== null) return routed;
  const whole = text.slice(start, domain.end);
  const address = { text: whole, local: local.value, domain: domain.value, needsSmtpUtf8: !isAscii(whole) };
  return { address, end: domain.end };
}

/** Reads a whole text as one mailbox, as the API and the command line take it. */
export function parseMailbox(text: string, policy: AddressPolicy = strictAddresses): Address | MailboxFault {
  const found = scanMailbox(text, 0, policy);
  if ('fault' in found) return found;
  return found.end === text.length ? found.address : syntax('Something follows the address');
}
