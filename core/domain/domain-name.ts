import { domainToASCII } from 'node:url';

/** Most octets of a domain name as text (RFC 5321 §4.5.3.1.2). */
export const longestDomain = 255;
const longestLabel = 63;

const isLetterOrDigit = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a);

/** True when no character is beyond ASCII. */
export function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** Labels of letters, digits and inner hyphens (RFC 5321 §4.1.2), the last one not all digits: that would be an address. */
function isHostName(text: string): boolean {
  if (text.length === 0 || text.length > longestDomain) return false;
  let labelStart = 0;
  let onlyDigits = true;
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 0x2e;
    if (code === 0x2e) {
      const length = i - labelStart;
      if (length === 0 || length > longestLabel || text.charCodeAt(i - 1) === 0x2d) return false;
      if (i === text.length) return !onlyDigits;
      labelStart = i + 1;
      onlyDigits = true;
    } else if (isLetterOrDigit(code)) {
      if (code > 0x39) onlyDigits = false;
    } else if (code === 0x2d && i > labelStart) {
      onlyDigits = false;
    } else return false;
  }
  return false;
}

/**
 * A domain name in the one form in which names are compared: lower-case A-labels without a trailing dot (RFC 5890 §2.3).
 * Takes U-labels and A-labels in any case; null when it is no domain name.
 */
export function normaliseDomain(text: string): string | null {
  if (text.length > 4 * longestDomain) return null;
  const bare = text.endsWith('.') ? text.slice(0, -1) : text;
  if (isAscii(bare)) return isHostName(bare) ? bare.toLowerCase() : null;
  // The URL mapping decodes %xx, cuts at `/` and reads numbers as addresses: only names go in, and only names come out.
  if (!/^[a-z0-9.\u0080-\uffff-]+$/i.test(bare)) return null;
  const ascii = domainToASCII(bare);
  return isHostName(ascii) ? ascii : null;
}

/** True if `domain` is `parent` or lies below it; both normalised. `evil-example.com` does not lie below `example.com`. */
export function isWithinDomain(domain: string, parent: string): boolean {
  if (domain === parent) return true;
  return domain.endsWith(parent) && domain.charCodeAt(domain.length - parent.length - 1) === 0x2e;
}
