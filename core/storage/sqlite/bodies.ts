import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { SluiceError } from '../../domain/errors.ts';
import { idBytes } from './message-id.ts';

/** Pieces of one entry lie side by side: `place` = seq × 2^20 + number of the piece. */
const piecesOfOne = 2 ** 20;
export const placeOf = (seq: number, n: number): number => seq * piecesOfOne + n;

/** Bodies of up to this many pieces are deleted at once, larger ones in the background. */
const smallBody = 4;

interface ReceivingRow {
  seq: number;
  chunks: number;
}

/** Bodies, and large ones on their way in. Every read is a point query: an open cursor would let the WAL grow. */
export class Bodies {
  readonly #insert: StatementSync;
  readonly #read: StatementSync;
  readonly #remove: StatementSync;
  readonly #receive: StatementSync;
  readonly #receiving: StatementSync;
  readonly #received: StatementSync;
  readonly #forget: StatementSync;
  readonly #purgeLater: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare('INSERT INTO bodies (place, bytes) VALUES (?, ?)');
    this.#read = database.prepare('SELECT bytes FROM bodies WHERE place = ?');
    this.#remove = database.prepare('DELETE FROM bodies WHERE place >= ? AND place < ?');
    this.#receive = database.prepare('INSERT INTO receiving (id, seq, chunks, started_at) VALUES (?, ?, 0, ?)');
    this.#receiving = database.prepare('SELECT seq, chunks FROM receiving WHERE id = ?');
    this.#received = database.prepare('UPDATE receiving SET chunks = chunks + 1 WHERE id = ?');
    this.#forget = database.prepare('DELETE FROM receiving WHERE id = ?');
    this.#purgeLater = database.prepare('INSERT OR IGNORE INTO body_purges (captured, at, seq) VALUES (?, ?, ?)');
  }

  insert(seq: number, n: number, bytes: Uint8Array): void {
    this.#insert.run(placeOf(seq, n), bytes);
  }

  read(seq: number, n: number): Uint8Array | null {
    return (this.#read.get(placeOf(seq, n))?.bytes as Uint8Array | undefined) ?? null;
  }

  begin(id: string, seq: number, now: number): void {
    this.#receive.run(idBytes(id), seq, now);
  }

  /** Stores piece `n` of a body that was begun; pieces come in order. Throws `CONFLICT` once it was swept. */
  receive(id: string, n: number, bytes: Uint8Array): void {
    const row = this.#row(id);
    if (n !== row.chunks) throw new SluiceError('CONFLICT', `piece ${n} of message ${id} came out of order`);
    this.insert(row.seq, n, bytes);
    this.#received.run(idBytes(id));
  }

  /** The entry that a received body of `chunks` pieces is kept for. Throws `CONFLICT` if it is not there whole. */
  received(id: string, chunks: number): number {
    const row = this.#row(id);
    if (row.chunks !== chunks) throw new SluiceError('CONFLICT', `the body of message ${id} is not there whole`);
    return row.seq;
  }

  /** Ends the receiving: the body belongs to a stored message now. */
  finish(id: string): void {
    this.#forget.run(idBytes(id));
  }

  abandon(id: string, now: number): void {
    const row = this.#receiving.get(idBytes(id)) as ReceivingRow | undefined;
    if (row === undefined) return;
    this.#forget.run(idBytes(id));
    this.dispose(row.seq, row.chunks, false, now);
  }

  /** A message is final: its body goes, at once where that is cheap, after `retention.captured` where it was captured. */
  dispose(seq: number, chunks: number, captured: boolean, now: number): void {
    if (captured || chunks > smallBody) this.#purgeLater.run(captured ? 1 : 0, now, seq);
    else this.#remove.run(placeOf(seq, 0), placeOf(seq, chunks));
  }

  #row(id: string): ReceivingRow {
    const row = this.#receiving.get(idBytes(id)) as ReceivingRow | undefined;
    if (row === undefined) {
      throw new SluiceError(
        'CONFLICT',
        `the body of message ${id} was given up: it took longer than the DATA deadline`,
      );
    }
    return row;
  }
}
