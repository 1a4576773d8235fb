import { createHash, type Hash, hash } from 'node:crypto';
import { chunkSize, type MessageStore } from '../storage/ports/message-store.ts';
import type { ReceivedBytes } from './spooled-message.ts';

/** What a buffer grows to at least. */
const smallest = 8 * 1024;
const nothing = Buffer.alloc(0);

/**
 * Takes the bytes of one body: up to `chunkSize` in memory, beyond that piece by piece into the store, never holding
 * more than one piece. Bytes are copied; the copy owns its whole ArrayBuffer, so that it can be handed to a thread.
 */
export class BodyWriter {
  readonly #store: MessageStore;
  readonly #id: string;
  /** Told of each piece before it goes to the store. */
  readonly #onSpill: ((piece: Buffer) => void) | undefined;
  readonly #expectedSize: number;
  #buffer: Buffer = nothing;
  #filled = 0;
  #size = 0;
  #pieces = 0;
  #sum: Hash | null = null;
  #busy: Promise<void> | null = null;
  #begun = false;

  /** `expectedSize`: what the client declared, or 0; spares copies when right, harmless when wrong. */
  constructor(store: MessageStore, id: string, expectedSize = 0, onSpill?: (piece: Buffer) => void) {
    this.#store = store;
    this.#id = id;
    this.#onSpill = onSpill;
    this.#expectedSize = Math.min(chunkSize, expectedSize);
  }

  /** Octets taken so far. */
  get size(): number {
    return this.#size;
  }

  /** True once the store holds something of it. */
  get begun(): boolean {
    return this.#begun;
  }

  /**
   * Where it answers a promise, the bytes must stay as they are until it resolves, and no more should be sent before.
   * Rejects with what the store says; every later call does so, too.
   */
  write(bytes: Uint8Array): void | Promise<void> {
    if (this.#busy !== null) return this.#busy.then(() => this.write(bytes));
    this.#size += bytes.length;
    const filled = this.#filled + bytes.length;
    if (filled > chunkSize) return this.#later(this.#spill(bytes));
    if (filled > this.#buffer.length) this.#grow(filled);
    this.#buffer.set(bytes, this.#filled);
    this.#filled = filled;
  }

  /** Everything written: plain where it is in memory. */
  finish(): ReceivedBytes | Promise<ReceivedBytes> {
    if (this.#busy !== null) return this.#busy.then(() => this.finish());
    if (this.#begun) return this.#finishChunks();
    const whole = this.#filled > 0 && this.#filled === this.#buffer.length;
    const bytes = whole ? this.#buffer : this.#exact();
    return { body: { kind: 'inline', bytes }, size: this.#size, sha256: hash('sha256', bytes, 'hex') };
  }

  #later(work: Promise<void>): Promise<void> {
    const busy = work.then(() => {
      this.#busy = null;
    });
    // A failure stays: whoever writes or finishes next hears of it again.
    this.#busy = busy;
    busy.catch(() => undefined);
    return busy;
  }

  #exact(): Buffer {
    const bytes = Buffer.allocUnsafeSlow(this.#filled);
    this.#buffer.copy(bytes, 0, 0, this.#filled);
    return bytes;
  }

  /** A message that comes in one write, or in the size declared, gets just the room it needs, and no second copy. */
  #grow(needed: number): void {
    const size =
      this.#filled === 0 ? Math.max(needed, this.#expectedSize) : Math.max(needed, smallest, this.#filled * 2);
    const larger = Buffer.allocUnsafeSlow(Math.min(chunkSize, size));
    this.#buffer.copy(larger, 0, 0, this.#filled);
    this.#buffer = larger;
  }

  async #spill(bytes: Uint8Array): Promise<void> {
    if (!this.#begun) {
      this.#begun = true;
      this.#sum = createHash('sha256');
      await this.#store.beginBody(this.#id);
    }
    if (this.#buffer.length < chunkSize) this.#grow(chunkSize);
    for (let at = 0; at < bytes.length; ) {
      if (this.#filled === chunkSize) {
        await this.#flush();
        this.#buffer = Buffer.allocUnsafeSlow(chunkSize);
      }
      const part = bytes.subarray(at, at + chunkSize - this.#filled);
      this.#buffer.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
    }
  }

  async #flush(): Promise<void> {
    const piece = this.#filled === this.#buffer.length ? this.#buffer : this.#exact();
    this.#filled = 0;
    this.#sum?.update(piece);
    this.#onSpill?.(piece);
    await this.#store.writeChunk(this.#id, this.#pieces, piece);
    this.#pieces++;
  }

  async #finishChunks(): Promise<ReceivedBytes> {
    if (this.#filled > 0) await this.#flush();
    const sha256 = this.#sum?.digest('hex') ?? '';
    return { body: { kind: 'chunks', count: this.#pieces }, size: this.#size, sha256 };
  }
}
