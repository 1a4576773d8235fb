/** What a relay must never pass on: each of these can end a message early at some next hop (SMTP smuggling). */
export type Flaw = 'a bare CR' | 'a bare LF' | 'a NUL';

const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;
const endAfterLine = Buffer.from('.\r\n');
const endAfterText = Buffer.from('\r\n.\r\n');

/**
 * Puts a message into the form in which it goes over the wire (RFC 5321 §4.5.2): dots at line starts doubled, nothing
 * else changed. Pieces may be cut anywhere. After a flaw was found nothing more may be sent.
 */
export class WireEncoder {
  /** The octet before; a message begins like a line. */
  #previous = LF;
  #bits = 0;
  flaw: Flaw | null = null;

  /** True once an octet beyond ASCII was seen. */
  get eightBit(): boolean {
    return this.#bits > 0x7f;
  }

  /** The piece as it goes out: the same one where no dot had to be doubled. */
  encode(piece: Uint8Array): Uint8Array {
    let previous = this.#previous;
    let bits = this.#bits;
    let dots: number[] | null = null;
    for (let i = 0; i < piece.length; i++) {
      const octet = piece[i] as number;
      if (octet === LF) {
        if (previous !== CR) this.flaw ??= 'a bare LF';
      } else {
        if (previous === CR) this.flaw ??= 'a bare CR';
        if (octet > DOT) bits |= octet;
        else if (octet === DOT) {
          // Without flaws an LF is the end of a CRLF.
          if (previous === LF) {
            dots ??= [];
            dots.push(i);
          }
        } else if (octet === 0) this.flaw ??= 'a NUL';
      }
      previous = octet;
    }
    this.#previous = previous;
    this.#bits = bits;
    return dots === null ? piece : doubled(piece, dots);
  }

  /** What ends the message; goes out in one write with its last piece. */
  end(): Uint8Array {
    if (this.#previous === CR) this.flaw ??= 'a bare CR';
    return this.#previous === LF ? endAfterLine : endAfterText;
  }
}

function doubled(piece: Uint8Array, dots: readonly number[]): Uint8Array {
  const out = Buffer.allocUnsafe(piece.length + dots.length);
  let from = 0;
  let to = 0;
  for (const at of dots) {
    out.set(piece.subarray(from, at), to);
    to += at - from;
    out[to++] = DOT;
    from = at;
  }
  out.set(piece.subarray(from), to);
  return out;
}

/** A small message in one buffer with its ending, or what is wrong with it. */
export function wireForm(pieces: readonly Uint8Array[]): { octets: Buffer; eightBit: boolean } | { flaw: Flaw } {
  const encoder = new WireEncoder();
  const encoded: Uint8Array[] = [];
  for (const piece of pieces) encoded.push(encoder.encode(piece));
  encoded.push(encoder.end());
  if (encoder.flaw !== null) return { flaw: encoder.flaw };
  return { octets: Buffer.concat(encoded), eightBit: encoder.eightBit };
}
