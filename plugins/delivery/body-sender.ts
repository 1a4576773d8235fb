import type { Flaw } from './wire-encoder.ts';
import { WireEncoder } from './wire-encoder.ts';

/** Where a body goes. */
export interface BodySink {
  /** False once nothing more is wanted. */
  readonly wanted: boolean;
  /** Writes a piece; resolves when there is room for the next one, or no more is wanted. */
  write(piece: Uint8Array): Promise<void>;
  /** Writes the piece that carries the final dot. */
  writeLast(piece: Uint8Array): void;
}

/**
 * Sends a large body piece by piece. The last piece is held back until the source has ended well, so that it goes with
 * the dot or not at all. Answers the flaw for which it was not sent, or null; rejects with what the source throws.
 */
export async function sendPieces(pieces: AsyncIterable<Uint8Array>, sink: BodySink): Promise<Flaw | null> {
  const encoder = new WireEncoder();
  let held: Uint8Array | null = null;
  for await (const piece of pieces) {
    const encoded = encoder.encode(piece);
    if (encoder.flaw !== null) return encoder.flaw;
    if (held !== null) await sink.write(held);
    if (!sink.wanted) return null;
    held = encoded;
  }
  const end = encoder.end();
  if (encoder.flaw !== null) return encoder.flaw;
  if (sink.wanted) sink.writeLast(held === null ? end : Buffer.concat([held, end]));
  return null;
}
