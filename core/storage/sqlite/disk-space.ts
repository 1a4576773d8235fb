import { randomFillSync } from 'node:crypto';
import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** How often the kernel is asked at most. */
const askMilliseconds = 200;

/**
 * Room on the disk of the data folder: a low-water mark, below which no mail is taken, and a reserve, a file that
 * occupies room until the disk is full. Given up then, it lets the worker record what it still delivers: on a full disk
 * even a DELETE fails, and mail that was sent but not recorded is sent again. Needs no timer to notice that room is
 * back: whoever wants to write asks. All sizes in bytes.
 */
export class DiskSpace {
  readonly #folder: string;
  readonly #file: string;
  readonly #lowWater: number;
  readonly #reserve: number;
  #askedAt = Number.NEGATIVE_INFINITY;
  #enough = true;

  constructor(folder: string, options: { lowWater: number; reserve: number }) {
    this.#folder = folder;
    this.#file = join(folder, 'reserve');
    this.#lowWater = options.lowWater;
    this.#reserve = options.reserve;
  }

  /** Whether mail may be taken; cheap enough to be asked at every MAIL. */
  hasRoom(): boolean {
    const now = performance.now();
    if (now - this.#askedAt > askMilliseconds) {
      this.#askedAt = now;
      this.#enough = this.hasRoomNow();
    }
    return this.#enough;
  }

  /** The same, asking the kernel: room for the reserve, if it was given up, counts as taken. */
  hasRoomNow(): boolean {
    return this.freeBytes() + this.#held() >= this.#lowWater + this.#reserve;
  }

  freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.#folder);
    return bavail * bsize;
  }

  release(): void {
    rmSync(this.#file, { force: true });
  }

  /** Takes the reserve if it is not held yet; no error where there is none. Random bytes, since a disk may compress. */
  take(): void {
    if (this.#held() >= this.#reserve) return;
    try {
      const descriptor = openSync(this.#file, 'w', 0o600);
      try {
        const piece = randomFillSync(Buffer.allocUnsafe(256 * 1024));
        for (let written = 0; written < this.#reserve; ) {
          written += writeSync(descriptor, piece, 0, Math.min(piece.length, this.#reserve - written));
        }
      } finally {
        closeSync(descriptor);
      }
    } catch {
      this.release();
    }
  }

  #held(): number {
    return statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0;
  }
}
