import type { MessageFacts, RecipientRecord, RefusalRecord } from '../../domain/message.ts';

/** Largest piece of a body, in octets; bodies up to this size go with their record in one commit. */
export const chunkSize = 256 * 1024;

/** A body on its way in. Small ones are handed over whole at the commit, large ones were written before as chunks. */
export type IncomingBody =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  | { readonly kind: 'chunks'; readonly count: number };

export interface NewMessage {
  readonly facts: MessageFacts;
  /** Open (`queued`) or, where a plugin disposed of the message, final from the start. */
  readonly recipients: readonly RecipientRecord[];
  readonly body: IncomingBody;
}

/** The intake's side of the spool. */
export interface MessageStore {
  /** Opens a large body: from here on it is swept unless committed within the DATA deadline. */
  beginBody(id: string): Promise<void>;
  /**
   * Writes piece `n` (from 0, each at most `chunkSize`). Resolves when there is room for the next one. The bytes are the
   * store's from here on: it may transfer their buffer or free it.
   */
  writeChunk(id: string, n: number, bytes: Uint8Array): Promise<void>;
  /** Reads piece `n` of a body being received or stored; null behind the last or when purged. */
  readChunk(id: string, n: number): Promise<Uint8Array | null>;
  /** Drops a body that will not be committed. */
  abandonBody(id: string): void;
  /**
   * Resolves once record and body are durable (fsync, or majority and journal): only then may 250 be said.
   * `body.bytes` is handed over and must not be touched again. Rejects with `STORE_FULL`, `STORE_UNAVAILABLE`,
   * or `CONFLICT` when a large body was swept meanwhile.
   */
  commit(message: NewMessage): Promise<void>;
  /**
   * Nobody waits for the commit of this message any more. Where its write has not begun it is dropped, and `commit`
   * rejects; otherwise `commit` goes on to tell its outcome, however late. Nothing happens where no commit is under way.
   */
  giveUp(id: string): void;
  /** Written with the next commit; never waited for. */
  recordRefusal(refusal: RefusalRecord): void;
  /** False while the disk is below the low-water mark or the writer is behind its bound: answer 452 at MAIL. */
  hasRoom(): boolean;
}
