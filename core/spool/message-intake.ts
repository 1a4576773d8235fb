import { HeaderBlock } from '../domain/header-block.ts';
import type { MessageStore } from '../storage/ports/message-store.ts';
import { BodyWriter } from './body-writer.ts';
import { type ReceivedBytes, SpooledMessage } from './spooled-message.ts';

/**
 * Takes one message at DATA: bytes with CRLF line ends and without dot stuffing come in, a `SpooledMessage` comes out.
 * Up to 256 KB stay in memory, larger ones go to the store as they come; memory does not grow with the message, but for
 * its header block, which the caller bounds. Exactly one of `finish` and `abandon` ends it.
 */
export class MessageIntake {
  readonly #store: MessageStore;
  readonly #id: string;
  readonly #writer: BodyWriter;
  #head: Buffer = Buffer.alloc(0);
  #headComplete = false;

  /** `id`: the transaction's. `expectedSize`: SIZE as declared with MAIL, in octets. */
  constructor(store: MessageStore, id: string, options: { expectedSize?: number | undefined } = {}) {
    this.#store = store;
    this.#id = id;
    this.#writer = new BodyWriter(store, id, options.expectedSize, (piece) => this.#keepHead(piece));
  }

  /** Octets taken so far. */
  get size(): number {
    return this.#writer.size;
  }

  /**
   * Copies the bytes: the caller may use them again as soon as this returns, or, where it answers a promise, once that
   * resolves. The promise is the back-pressure: read no more from the client before. Rejects with what the store says
   * (`STORE_FULL`, `STORE_UNAVAILABLE`), and then does so for good.
   */
  write(bytes: Uint8Array): void | Promise<void> {
    return this.#writer.write(bytes);
  }

  /** The whole message; a plain value where it is in memory. */
  finish(): SpooledMessage | Promise<SpooledMessage> {
    const received = this.#writer.finish();
    return received instanceof Promise ? received.then((r) => this.#message(r)) : this.#message(received);
  }

  /** Drops what was taken, if the message is not to be finished. */
  abandon(): void {
    if (this.#writer.begun) this.#store.abandonBody(this.#id);
  }

  #message(received: ReceivedBytes): SpooledMessage {
    const { body } = received;
    const bytes = body.kind === 'inline' ? body.bytes : this.#head;
    return new SpooledMessage(this.#store, this.#id, received, () => new HeaderBlock(bytes));
  }

  /** The header block stays at hand, however large the message. */
  #keepHead(piece: Buffer): void {
    if (this.#headComplete) return;
    const head = Buffer.concat([this.#head, piece]);
    const block = new HeaderBlock(head);
    this.#headComplete = block.complete;
    this.#head = block.complete ? Buffer.from(head.subarray(0, block.bodyStart)) : head;
  }
}
