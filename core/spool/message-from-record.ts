import { EditedHeaders } from '../domain/edited-headers.ts';
import { SluiceError } from '../domain/errors.ts';
import { HeaderBlock } from '../domain/header-block.ts';
import type { MessageRecord } from '../domain/message.ts';
import type { Message } from '../pipeline/session.ts';
import { editedView, type StoredBytes } from './stored-bytes.ts';

/**
 * A stored message as the worker sees it: its record's edits over its stored bytes. Edits made here hold for this
 * attempt only.
 */
export class StoredMessage implements Message {
  readonly id: string;
  readonly size: number;
  readonly headers: EditedHeaders;
  readonly #record: MessageRecord;
  readonly #stored: StoredBytes;
  #corrupt = false;

  constructor(record: MessageRecord, stored: StoredBytes, block: HeaderBlock | (() => HeaderBlock)) {
    this.id = record.id;
    this.size = record.size;
    this.headers = new EditedHeaders(block, record.headerEdits);
    this.#record = record;
    this.#stored = stored;
  }

  /** True once a reading found other bytes than were accepted: the message is to be held, whatever became of the reading. */
  get corrupt(): boolean {
    return this.#corrupt;
  }

  /**
   * The edited view in few large pieces: one where the message is small. Size and hash of the stored bytes are checked
   * on the way; where they are wrong it throws `MESSAGE_CORRUPT` instead of giving the last piece, so that no dot is sent.
   */
  async *open(): AsyncGenerator<Uint8Array> {
    try {
      yield* editedView(this.#stored, this.headers, this.#record);
    } catch (error) {
      if (error instanceof SluiceError && error.code === 'MESSAGE_CORRUPT') this.#corrupt = true;
      throw error;
    }
  }

  /** The body of a stored message does not change any more. */
  async replaceBody(): Promise<void> {
    throw new SluiceError('INTERNAL', 'A stored body cannot be replaced: do so in the message hook');
  }
}

/** Reads pieces until the header block is whole; a body that is not there at all is corrupt. */
async function readHead(id: string, read: (n: number) => Promise<Uint8Array | null>): Promise<HeaderBlock> {
  let head = Buffer.alloc(0);
  for (let n = 0; ; n++) {
    const piece = await read(n);
    if (piece === null && n === 0) {
      throw new SluiceError('MESSAGE_CORRUPT', `The stored bytes of message ${id} are gone`);
    }
    if (piece === null) return new HeaderBlock(head);
    head = Buffer.concat([head, piece]);
    const block = new HeaderBlock(head);
    // A copy of the head alone, so that the whole piece need not stay in memory.
    if (block.complete) return new HeaderBlock(Buffer.from(head.subarray(0, block.bodyStart)));
  }
}

/**
 * The message of a claim: a plain value where its body came along, else a promise, since the header block has to be
 * read first. `readChunk` is the delivery store's. Rejects with `MESSAGE_CORRUPT` when the body is gone.
 */
export function messageFromRecord(
  record: MessageRecord,
  body: Uint8Array | null,
  readChunk: (id: string, n: number) => Promise<Uint8Array | null>,
): StoredMessage | Promise<StoredMessage> {
  if (body !== null) return new StoredMessage(record, { kind: 'inline', bytes: body }, () => new HeaderBlock(body));
  const read = (n: number) => readChunk(record.id, n);
  return readHead(record.id, read).then((block) => new StoredMessage(record, { kind: 'chunks', read }, block));
}
