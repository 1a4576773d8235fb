import type { Binary, Collection } from 'mongodb';
import type { SluiceError } from '../../../domain/errors.ts';
import { chunkSize } from '../../ports/message-store.ts';
import { isMessageId } from '../../rules/message-id.ts';
import { insertDurably } from './durable-inserts.ts';
import { notStored } from './not-stored.ts';
import { answerBy, WriteBatches } from './write-batches.ts';

export interface PieceId {
  readonly message: string;
  /** From 0. */
  readonly n: number;
}

/** A piece of a body, at most `chunkSize` octets. */
export interface BodyDocument {
  readonly _id: PieceId;
  /** Token of the call that stored it. */
  readonly commit: string;
  /** When it was written, by the clock of the server. */
  readonly at: number;
  readonly bytes: Uint8Array | Binary;
}

/** The ids of all pieces of a body. */
export const piecesOf = (message: string, chunks: number): PieceId[] =>
  Array.from({ length: chunks }, (_, n) => ({ message, n }));

/** Shard key and index both: pieces are asked for by their whole `_id`. */
const these = (ids: readonly PieceId[]): { _id: { $in: PieceId[] } } => ({ _id: { $in: [...ids] } });

const bytesOf = ({ bytes }: Pick<BodyDocument, 'bytes'>): Uint8Array => {
  const found = bytes instanceof Uint8Array ? bytes : bytes.buffer;
  return new Uint8Array(found.buffer, found.byteOffset, found.length);
};

/** Bodies in pieces, each a document of its own; pieces that arrive together are written together. */
export class Bodies {
  readonly #bodies: Collection<BodyDocument>;
  readonly #now: () => number;
  readonly #writes: WriteBatches<BodyDocument, null>;

  constructor(bodies: Collection<BodyDocument>, now: () => number) {
    this.#bodies = bodies;
    this.#now = now;
    this.#writes = new WriteBatches(async ({ items, deadline }) => {
      const answers = await insertDurably(bodies, items, (some) => these(some.map(({ _id }) => _id)), deadline);
      return answers.map((answer, index): null | SluiceError =>
        answer.outcome === 'stored' ? null : notStored(items[index]?._id.message ?? '', answer),
      );
    });
  }

  /** Bytes handed over and not known to be durable. */
  get unwritten(): number {
    return this.#writes.unwritten;
  }

  /** Resolves once the piece is durable. */
  async insertPiece(
    message: string,
    n: number,
    bytes: Uint8Array,
    commit: string,
    deadline = answerBy(),
  ): Promise<void> {
    await this.#writes.add({ _id: { message, n }, commit, at: this.#now(), bytes }, bytes.length + 256, deadline);
  }

  /** A whole body; more than one piece only where it is larger than one may be. Resolves once it is durable. */
  async insert(message: string, bytes: Uint8Array, commit: string, deadline = answerBy()): Promise<void> {
    if (bytes.length <= chunkSize) return this.insertPiece(message, 0, bytes, commit, deadline);
    const pieces: Promise<void>[] = [];
    for (let n = 0; n * chunkSize < bytes.length; n += 1) {
      pieces.push(this.insertPiece(message, n, bytes.subarray(n * chunkSize, (n + 1) * chunkSize), commit, deadline));
    }
    await Promise.all(pieces);
  }

  /** Piece `n`; null behind the last, when purged, or for an unknown id. */
  async read(message: string, n: number): Promise<Uint8Array | null> {
    if (!isMessageId(message)) return null;
    const found = await this.#bodies.findOne({ _id: { message, n } });
    return found === null ? null : bytesOf(found);
  }

  /** The first pieces of several bodies, by message. */
  async readFirst(messages: readonly string[]): Promise<Map<string, Uint8Array>> {
    if (messages.length === 0) return new Map();
    const ids = messages.map((message) => ({ message, n: 0 }));
    const found = await this.#bodies.find(these(ids)).toArray();
    return new Map(found.map((body) => [body._id.message, bytesOf(body)]));
  }

  async remove(ids: readonly PieceId[]): Promise<void> {
    for (let from = 0; from < ids.length; from += removeBatch) {
      await this.#bodies.deleteMany(these(ids.slice(from, from + removeBatch)));
    }
  }

  /** Every piece of a body, however many there are. */
  async removeAll(message: string): Promise<void> {
    await this.#bodies.deleteMany({
      _id: { $gte: { message, n: 0 }, $lt: { message, n: Number.MAX_SAFE_INTEGER } },
    });
  }

  drained(): Promise<void> {
    return this.#writes.drained();
  }
}

const removeBatch = 500;
