import { type Reply, reply } from '../domain/reply.ts';

export interface HeaderLimits {
  /** Octets of the header block. */
  readonly header_size: number;
  readonly header_fields: number;
  /** Most Received fields; one more is taken for a loop (RFC 5321 §6.3). */
  readonly hops: number;
}

const space = 0x20;
const tab = 0x09;
const colon = 0x3a;
/** Enough to know `Received` with blanks before its colon. */
const headLength = 16;

/**
 * Watches the header block go by, line by line, in as many pieces as it comes. Keeps a few bytes of the current line
 * only. What is no header field ends the block, as parsers of messages have it.
 */
export class HeaderWatch {
  readonly #limits: HeaderLimits;
  #size = 0;
  #fields = 0;
  #hops = 0;
  #lineSize = 0;
  #head = '';
  #hasColon = false;
  /** False once the block is over. */
  inside = true;

  constructor(limits: HeaderLimits) {
    this.#limits = limits;
  }

  /** Part of a line: `chunk` from `start` to `end`. */
  piece(chunk: Buffer, start: number, end: number): void {
    if (end === start) return;
    if (this.#head.length < headLength) {
      this.#head += chunk.toString('latin1', start, Math.min(end, start + headLength - this.#head.length));
    }
    if (!this.#hasColon && !this.#isContinuation()) {
      this.#hasColon = chunk.subarray(start, end).includes(colon);
    }
    this.#lineSize += end - start;
  }

  /** The current line is complete. Answers a refusal where a limit is passed. */
  endOfLine(): Reply | null {
    const isContinuation = this.#isContinuation() && this.#fields > 0;
    if (this.#lineSize === 0 || !(isContinuation || this.#hasColon)) {
      this.inside = false;
      return null;
    }
    this.#size += this.#lineSize + 2;
    if (this.#size > this.#limits.header_size) {
      return reply(552, '5.3.4', `The header of the message is larger than ${this.#limits.header_size} octets`);
    }
    if (!isContinuation) {
      this.#fields++;
      if (this.#fields > this.#limits.header_fields) {
        return reply(554, '5.6.0', `The message has more than ${this.#limits.header_fields} header fields`);
      }
      if (/^received[ \t]*:/i.test(this.#head)) this.#hops++;
      if (this.#hops > this.#limits.hops) {
        return reply(554, '5.4.6', `The message passed more than ${this.#limits.hops} servers; this is a mail loop`);
      }
    }
    this.#lineSize = 0;
    this.#head = '';
    this.#hasColon = false;
    return null;
  }

  #isContinuation(): boolean {
    const first = this.#head.charCodeAt(0);
    return first === space || first === tab;
  }
}
