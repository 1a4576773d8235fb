const crlf = Buffer.from('\r\n');

/**
 * Collects what of one chunk belongs to the message. Runs that lie apart (a stuffed dot was between them) are moved
 * together inside the chunk itself, which nobody else reads; only where line ends have to be added is it copied.
 */
export class DataOutput {
  readonly #chunk: Buffer;
  #target: Buffer;
  #start = -1;
  #end = -1;

  constructor(chunk: Buffer) {
    this.#chunk = chunk;
    this.#target = chunk;
  }

  /** Takes the bytes from `start` to `end` of the chunk; calls come in ascending order. */
  take(start: number, end: number): void {
    if (end <= start) return;
    if (this.#target !== this.#chunk) {
      this.#end += this.#chunk.copy(this.#target, this.#end, start, end);
    } else if (this.#start === -1) {
      this.#start = start;
      this.#end = end;
    } else {
      if (this.#end !== start) this.#chunk.copyWithin(this.#end, start, end);
      this.#end += end - start;
    }
  }

  /** Adds a line end that the chunk does not hold. */
  newline(): void {
    if (this.#target === this.#chunk) {
      const taken = this.bytes();
      // Each byte of the chunk becomes at most one line end.
      this.#target = Buffer.allocUnsafe(this.#chunk.length * 2 + crlf.length * 2);
      this.#start = 0;
      this.#end = taken === null ? 0 : taken.copy(this.#target, 0);
    }
    this.#end += crlf.copy(this.#target, this.#end);
  }

  /** What was taken, in one piece; null if nothing. */
  bytes(): Buffer | null {
    return this.#end > this.#start ? this.#target.subarray(this.#start, this.#end) : null;
  }
}
