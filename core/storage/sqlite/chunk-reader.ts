import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { isMessageId } from '../rules/message-id.ts';
import { placeOf } from './bodies.ts';
import { idBytes } from './message-id.ts';

/** Reads pieces of bodies, stored or still coming in. */
export class ChunkReader {
  readonly #entry: StatementSync;
  readonly #receiving: StatementSync;
  readonly #piece: StatementSync;

  constructor(database: DatabaseSync) {
    this.#entry = database.prepare('SELECT seq FROM entries WHERE id = ?');
    this.#receiving = database.prepare('SELECT seq FROM receiving WHERE id = ?');
    this.#piece = database.prepare('SELECT bytes FROM bodies WHERE place = ?');
  }

  /** Piece `n` from 0; null behind the last, when purged, or for an unknown id. */
  readChunk(id: string, n: number): Uint8Array | null {
    if (!isMessageId(id)) return null;
    const key = idBytes(id);
    const row = this.#entry.get(key) ?? this.#receiving.get(key);
    if (row === undefined) return null;
    const piece = this.#piece.get(placeOf(Number(row.seq), n));
    return (piece?.bytes as Uint8Array | undefined) ?? null;
  }
}
