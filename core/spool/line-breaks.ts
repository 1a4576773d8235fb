const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/**
 * Makes every line break of a body CRLF (RFC 5321 §2.3.8), piece by piece, and lets it end with one: a plugin's bare CR
 * or LF must not reach the next hop, which may take it for an end. Throws a RangeError for a NUL.
 */
export class LineBreaks {
  /** A CR is kept back until it is known whether its LF follows. */
  #pending = false;
  #unfinished = false;

  convert(piece: Uint8Array): Uint8Array {
    if (piece.includes(0)) throw new RangeError('The body holds a NUL');
    const bytes = Buffer.allocUnsafe(piece.length * 2 + 2);
    let length = 0;
    const lineBreak = () => {
      bytes[length++] = carriageReturn;
      bytes[length++] = lineFeed;
      this.#unfinished = false;
    };
    for (const octet of piece) {
      if (this.#pending) {
        this.#pending = false;
        lineBreak();
        if (octet === lineFeed) continue;
      }
      if (octet === carriageReturn) this.#pending = true;
      else if (octet === lineFeed) lineBreak();
      else {
        bytes[length++] = octet;
        this.#unfinished = true;
      }
    }
    return bytes.subarray(0, length);
  }

  /** What is missing at the end. */
  end(): Uint8Array {
    return Buffer.from(this.#pending || this.#unfinished ? '\r\n' : '');
  }
}
