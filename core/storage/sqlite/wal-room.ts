import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { checkpointPages } from './database.ts';
import type { DiskSpace } from './disk-space.ts';

/** Pages after which the WAL is copied while room is short: 4 MB, which then serve again and again. */
const leanPages = 1_000;
/** Left over when a checkpoint is tried on a disk that is almost full. */
const margin = 512 * 1024;

/**
 * Keeps the WAL small while room on the disk is short, so that deliveries can be recorded for as long as it lasts. A
 * checkpoint makes the database file longer before it makes the WAL shorter: where that does not fit it is not begun,
 * since it would only use up what room there is.
 */
export class WalRoom {
  readonly #database: DatabaseSync;
  readonly #file: string;
  readonly #disk: DiskSpace;
  #lean = false;

  constructor(database: DatabaseSync, disk: DiskSpace) {
    this.#database = database;
    this.#file = database.location() ?? '';
    this.#disk = disk;
  }

  /** Called before each batch: notices when room gets short and when it is back. */
  watch(): void {
    const short = !this.#disk.hasRoom();
    if (short === this.#lean) return;
    if (short) this.save();
    else this.#set(checkpointPages);
    this.#lean = short;
  }

  /** Room is short: gives back what the WAL occupies, if that can be had, and keeps it small from here on. */
  save(): void {
    this.#lean = true;
    if (!this.#fits()) {
      this.#set(0);
      return;
    }
    this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    this.#set(leanPages);
  }

  #fits(): boolean {
    const pages = Number(this.#database.prepare('PRAGMA page_count').get()?.page_count);
    const size = Number(this.#database.prepare('PRAGMA page_size').get()?.page_size);
    return pages * size - statSync(this.#file).size + margin < this.#disk.freeBytes();
  }

  #set(pages: number): void {
    this.#database.exec(`PRAGMA wal_autocheckpoint = ${pages}`);
  }
}
