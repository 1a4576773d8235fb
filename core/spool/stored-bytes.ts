import { createHash, hash } from 'node:crypto';
import type { EditedHeaders } from '../domain/edited-headers.ts';
import { SluiceError } from '../domain/errors.ts';

/** The bytes of a message as they are stored: all at hand, or in pieces read one by one (null behind the last). */
export type StoredBytes =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  | { readonly kind: 'chunks'; readonly read: (n: number) => Promise<Uint8Array | null> };

/** What the stored bytes have to be: octets, and SHA-256 in lower-case hex. */
export interface Fingerprint {
  readonly id: string;
  readonly size: number;
  readonly sha256: string;
}

/** Up to here one copy is cheaper than a second write on the wire. */
const joinedSize = 64 * 1024;

const corrupt = (expected: Fingerprint): SluiceError =>
  new SluiceError('MESSAGE_CORRUPT', `The stored bytes of message ${expected.id} are not those that were accepted`);

/** The pieces one after the other; with `expected`, the last one only comes when size and hash of all were right. */
async function* read(stored: StoredBytes, expected: Fingerprint | null): AsyncGenerator<Uint8Array> {
  if (stored.kind === 'inline') {
    const { bytes } = stored;
    if (expected !== null && (bytes.length !== expected.size || hash('sha256', bytes, 'hex') !== expected.sha256)) {
      throw corrupt(expected);
    }
    yield bytes;
    return;
  }
  const sum = expected === null ? null : createHash('sha256');
  let size = 0;
  let held: Uint8Array | null = null;
  for (let n = 0; ; n++) {
    const piece = await stored.read(n);
    if (piece === null) break;
    size += piece.length;
    sum?.update(piece);
    if (held !== null) yield held;
    held = piece;
  }
  if (expected !== null && (size !== expected.size || sum?.digest('hex') !== expected.sha256)) throw corrupt(expected);
  if (held !== null) yield held;
}

/**
 * The edited view of stored bytes, in few large pieces (each at most 256 KB and the length of the header block). With
 * `expected` size and hash of the stored bytes are checked: throws `MESSAGE_CORRUPT` before the last piece is given.
 */
export async function* editedView(
  stored: StoredBytes,
  headers: EditedHeaders,
  expected: Fingerprint | null,
): AsyncGenerator<Uint8Array> {
  if (headers.edits.length === 0) {
    yield* read(stored, expected);
    return;
  }
  const head = headers.render();
  let left = headers.block.bodyStart;
  let pending: Uint8Array | null = head;
  for await (const piece of read(stored, expected)) {
    if (left >= piece.length) {
      left -= piece.length;
      continue;
    }
    const body = left === 0 ? piece : piece.subarray(left);
    left = 0;
    if (pending === null) yield body;
    else if (pending.length + body.length <= joinedSize) yield Buffer.concat([pending, body]);
    else {
      yield pending;
      yield body;
    }
    pending = null;
  }
  if (pending !== null) yield pending;
}
