const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const colon = 0x3a;
const isBlank = (octet: number | undefined): boolean => octet === 0x20 || octet === 0x09;

/** What a line of the header block is read as. `fold` continues the field before it. */
type Line = { readonly nameEnd: number; readonly valueStart: number } | 'fold' | 'empty' | 'foreign';

/** A field name is printable ASCII without colon (RFC 5322 §3.6.8); blanks before the colon are obsolete but met (§4.5). */
function readLine(bytes: Uint8Array, start: number, end: number): Line {
  if (isBlank(bytes[start])) return 'fold';
  if (bytes[start] === carriageReturn && start + 2 === end) return 'empty';
  let i = start;
  for (let octet = bytes[i]; octet !== undefined && octet > 0x20 && octet < 0x7f && octet !== colon; octet = bytes[i])
    i++;
  const nameEnd = i;
  while (isBlank(bytes[i])) i++;
  return nameEnd > start && bytes[i] === colon && i < end ? { nameEnd, valueStart: i + 1 } : 'foreign';
}

/** Trims blanks only; what else Unicode calls white space belongs to the value. */
function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** Unfolds (RFC 5322 §2.2.3): a line break before a blank is no part of the value. */
export const unfold = (text: string): string =>
  trimBlanks(text.includes('\n') ? text.replace(/\r?\n(?=[ \t]|$)/g, '') : text);

/**
 * The header fields at the head of a message, as ranges of its octets; values are decoded when asked for.
 * The block ends at the empty line, at the first line that is no field (then there is no empty line), or at the end of the octets.
 */
export class HeaderBlock {
  readonly bytes: Buffer;
  /** Octets of the fields, the last line break counted. */
  readonly end: number;
  /** Where the body begins: behind the empty line, where there is one. */
  readonly bodyStart: number;
  /** False when the octets ended before the block did: more of the message may continue it. */
  readonly complete: boolean;
  /** Four numbers a field: start, end of the name, start of the value, end of the field. */
  readonly #ranges: number[] = [];

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const ranges = this.#ranges;
    let start = 0;
    let next = 0;
    let line: Line = 'fold';
    while (start < bytes.length) {
      const found = this.bytes.indexOf(lineFeed, start);
      next = found === -1 ? bytes.length : found + 1;
      line = readLine(this.bytes, start, next);
      if (typeof line === 'object') ranges.push(start, line.nameEnd, line.valueStart, next);
      else if (line === 'fold' && ranges.length > 0) ranges[ranges.length - 1] = next;
      else break;
      start = next;
    }
    this.complete = start < bytes.length && (line === 'empty' || bytes[next - 1] === lineFeed);
    this.end = start;
    this.bodyStart = line === 'empty' ? next : start;
  }

  /** How many fields there are. */
  get count(): number {
    return this.#ranges.length / 4;
  }

  #at(field: number, part: 0 | 1 | 2 | 3): number {
    return this.#ranges[field * 4 + part] ?? 0;
  }

  /** Name of field `n` as it was written. */
  name(n: number): string {
    return this.bytes.toString('latin1', this.#at(n, 0), this.#at(n, 1));
  }

  /** True if field `n` has this name; `lower` in lower case. */
  is(n: number, lower: string): boolean {
    return this.#at(n, 1) - this.#at(n, 0) === lower.length && this.name(n).toLowerCase() === lower;
  }

  /** Value of field `n`, unfolded, read as UTF-8. */
  value(n: number): string {
    const end = this.#at(n, 3);
    const ends = this.bytes[end - 1] === lineFeed ? (this.bytes[end - 2] === carriageReturn ? 2 : 1) : 0;
    return unfold(this.bytes.toString('utf8', this.#at(n, 2), end - ends));
  }

  /** The octets of field `n`, its line break included. */
  raw(n: number): Buffer {
    return this.bytes.subarray(this.#at(n, 0), this.#at(n, 3));
  }
}
