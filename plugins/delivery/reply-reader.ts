/** Bounds of one reply: what is longer is no reply but an attack or a broken peer. */
export const replyLimits = { line: 4_096, lines: 128, octets: 64 * 1024 };

/**
 * Cuts what the upstream sends into replies (RFC 5321 §4.2.1): lines of the same three digits, all but the last with a
 * hyphen. Holds at most one unfinished reply within `replyLimits`.
 */
export class ReplyReader {
  #rest = '';
  #lines: string[] = [];
  #octets = 0;
  #cleared = false;

  /** Forgets everything received so far (RFC 3207 §4.2: nothing from before TLS counts), the rest of this chunk too. */
  clear(): void {
    this.#cleared = true;
    this.#rest = '';
    this.#lines = [];
    this.#octets = 0;
  }

  /** Calls `onReply` for every whole reply, lines joined by `\n`. Answers what is wrong with the input, or null. */
  read(chunk: Uint8Array, onReply: (reply: string) => void): string | null {
    const text = this.#rest + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1');
    this.#rest = '';
    this.#cleared = false;
    let start = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      const line = text.slice(start, end > start && text.charCodeAt(end - 1) === 0x0d ? end - 1 : end);
      start = end + 1;
      const wrong = this.#take(line, onReply);
      if (wrong !== null) return wrong;
      if (this.#cleared) return null;
    }
    if (text.length - start > replyLimits.line) return 'a reply line is too long';
    if (start < text.length) this.#rest = text.slice(start);
    return null;
  }

  #take(line: string, onReply: (reply: string) => void): string | null {
    if (line.length > replyLimits.line) return 'a reply line is too long';
    if (!isReplyLine(line)) return 'a reply line does not begin with three digits';
    const more = line.charCodeAt(3) === 0x2d;
    if (this.#lines.length === 0) {
      if (!more) {
        onReply(decode(line));
        return null;
      }
    } else if (!line.startsWith((this.#lines[0] ?? '').slice(0, 3))) return 'the lines of a reply differ in their code';
    this.#octets += line.length;
    if (this.#octets > replyLimits.octets || this.#lines.length >= replyLimits.lines) return 'a reply is too long';
    this.#lines.push(line);
    if (more) return null;
    const whole = this.#lines.join('\n');
    this.#lines = [];
    this.#octets = 0;
    onReply(decode(whole));
    return null;
  }
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

function isReplyLine(line: string): boolean {
  const first = line.charCodeAt(0);
  if (first < 0x32 || first > 0x35 || !isDigit(line.charCodeAt(1)) || !isDigit(line.charCodeAt(2))) return false;
  const separator = line.charCodeAt(3);
  return Number.isNaN(separator) || separator === 0x20 || separator === 0x2d;
}

/** Bytes as text: UTF-8 where they are (RFC 6531 §3.7.4.1), else one character an octet. */
function decode(latin1: string): string {
  for (let i = 0; i < latin1.length; i++) {
    if (latin1.charCodeAt(i) > 0x7f) {
      const utf8 = Buffer.from(latin1, 'latin1').toString('utf8');
      return utf8.includes('\ufffd') ? latin1 : utf8;
    }
  }
  return latin1;
}
