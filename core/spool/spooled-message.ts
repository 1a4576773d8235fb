import { EditedHeaders } from '../domain/edited-headers.ts';
import { SluiceError } from '../domain/errors.ts';
import type { HeaderBlock } from '../domain/header-block.ts';
import type { Message } from '../pipeline/session.ts';
import type { IncomingBody, MessageStore } from '../storage/ports/message-store.ts';
import { replaceStoredBody } from './body-replacement.ts';
import { editedView, type StoredBytes } from './stored-bytes.ts';

/** The bytes of a received message as they lie ready for the commit. */
export interface ReceivedBytes {
  readonly body: IncomingBody;
  readonly size: number;
  /** SHA-256, lower-case hex. */
  readonly sha256: string;
}

/**
 * A message that was received and not yet committed. Its bytes are in memory (small) or in the store under its id
 * (large). After the commit, or `abandon`, it must not be used any more: the bytes are somebody else's then.
 */
export class SpooledMessage implements Message {
  readonly id: string;
  readonly headers: EditedHeaders;
  readonly #store: MessageStore;
  #received: ReceivedBytes;
  /** Set by the spool once record and body are durable: what a 250 may be said on. */
  committed = false;
  /** The commit under way, or its outcome. */
  #committing: Promise<void> | null = null;
  #givenUp = false;

  /** `block` reads the header block; called at most once. */
  constructor(store: MessageStore, id: string, received: ReceivedBytes, block: () => HeaderBlock) {
    this.id = id;
    this.#store = store;
    this.#received = received;
    this.headers = new EditedHeaders(block);
  }

  get size(): number {
    return this.#received.size;
  }

  get received(): ReceivedBytes {
    return this.#received;
  }

  open(): AsyncIterable<Uint8Array> {
    return editedView(this.#stored(), this.headers, null);
  }

  /**
   * Line breaks of the new body become CRLF; throws a RangeError for a NUL. The old body stays if anything fails
   * before the new one is whole; it may be made from `open()`.
   */
  async replaceBody(body: AsyncIterable<Uint8Array> | Uint8Array): Promise<void> {
    const head = this.headers.block;
    this.#received = await replaceStoredBody(this.#store, this.id, this.#received, head, body);
  }

  /** The spool's: runs the commit. Rejects at once where nobody waits for it any more. */
  async commit(write: () => Promise<void>): Promise<void> {
    if (this.#givenUp) throw new SluiceError('CONFLICT', 'The client was told already that this message was not taken');
    this.#committing = write();
    await this.#committing;
    this.committed = true;
  }

  /** True once a commit took envelope and edits as they were. */
  get commitBegun(): boolean {
    return this.#committing !== null;
  }

  /** True once nobody waits for the commit any more. */
  get givenUp(): boolean {
    return this.#givenUp;
  }

  /**
   * Nobody waits for the commit any more: one whose write has not begun will not be, and none can begin. Resolves, once
   * it is known for good, with whether the message is durable all the same.
   */
  async giveUp(): Promise<boolean> {
    this.#givenUp = true;
    if (this.#committing === null) return this.committed;
    this.#store.giveUp(this.id);
    try {
      await this.#committing;
      return true;
    } catch {
      return this.committed;
    }
  }

  /** Gives up what the store holds of it. */
  abandon(): void {
    if (this.#received.body.kind === 'chunks') this.#store.abandonBody(this.id);
  }

  #stored(): StoredBytes {
    const { body } = this.#received;
    if (body.kind === 'inline') return body;
    return { kind: 'chunks', read: (n) => this.#chunk(body.count, n) };
  }

  async #chunk(count: number, n: number): Promise<Uint8Array | null> {
    return n < count ? await this.#store.readChunk(this.id, n) : null;
  }
}
