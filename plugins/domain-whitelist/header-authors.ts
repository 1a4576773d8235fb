import addressparser from 'nodemailer/lib/addressparser';
import { normaliseDomain } from '../../core/domain/domain-name.ts';
import { hidesAddress } from './encoded-words.ts';

/** One address as a header names it: neither half holds anything that another reader could split differently. */
const plainAddress = /^[^\s"(),:;<>@[\]\\]+@([^\s"(),:;<>@[\]\\]+)$/;

interface Skeleton {
  /** The value without comments, each quoted string replaced by a word. */
  readonly text: string;
  readonly ats: number;
}

/**
 * Takes comments and quoted strings out of a header value (RFC 5322 §3.2.2, §3.2.4). Null where quotes, brackets or
 * comments do not close, or where a control character stands.
 */
function skeletonOf(value: string): Skeleton | null {
  let text = '';
  let ats = 0;
  let comments = 0;
  let quoted = false;
  let angle = false;
  for (let i = 0; i < value.length; i += 1) {
    const c = value.charAt(i);
    if ((c < ' ' && c !== '\t') || c === '\x7f') return null;
    if (quoted || comments > 0) {
      if (c === '\\') i += 1;
      else if (quoted) quoted = c !== '"';
      else if (c === '(') comments += 1;
      else if (c === ')') comments -= 1;
    } else if (c === '"') {
      // The word is no part of the address that the whole value names: a quoted local part with an @ in it, on whose
      // domain readers disagree (GHSA-mm7p-fcc7-pg87), makes the two readings differ.
      quoted = true;
      text += 'quoted';
    } else if (c === '(') {
      comments = 1;
      text += ' ';
    } else if (c === ')' || c === '\\' || (c === '<' && angle) || (c === '>' && !angle)) {
      return null;
    } else {
      if (c === '@') ats += 1;
      if (c === '<') angle = true;
      if (c === '>') angle = false;
      text += c;
    }
  }
  return quoted || comments > 0 || angle ? null : { text, ats };
}

/** Domains of the addresses that the library finds; null unless each is plain and there are exactly `count` of them. */
function domainsOf(text: string, count: number): readonly string[] | null {
  const found = addressparser(text, { flatten: true });
  if (found.length !== count) return null;
  const domains: string[] = [];
  for (const { address } of found) {
    const domain = plainAddress.exec(address)?.[1];
    const normal = domain === undefined || address.includes('=?') ? null : normaliseDomain(domain);
    if (normal === null) return null;
    domains.push(normal);
  }
  return domains;
}

/**
 * The domains (lower-case A-labels) of all addresses in the value of a From or Sender field, unfolded: lists and groups
 * are walked. Null where there is none or where two readers could see different addresses: the value is then read
 * twice, with and without its comments and quoted strings, and both readings have to agree on every `@` there is.
 */
export function authorDomains(value: string): readonly string[] | null {
  const skeleton = skeletonOf(value);
  if (skeleton === null || skeleton.ats === 0 || hidesAddress(value)) return null;
  const bare = domainsOf(skeleton.text, skeleton.ats);
  const whole = domainsOf(value, skeleton.ats);
  if (bare === null || whole === null) return null;
  return bare.every((domain, i) => domain === whole[i]) ? bare : null;
}
