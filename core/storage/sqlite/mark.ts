import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';

/** What the mark beside the database remembers: which database, and how many commits it had at least. */
export interface Mark {
  /** 16 random bytes that the database got at its creation. */
  readonly databaseId: Uint8Array;
  readonly commitSeq: number;
}

const length = 32;
const magic = 0x534c4d31;

/**
 * `accepted.mark`: 32 bytes (database id, commit number, magic, CRC-32), overwritten in place after each commit and
 * never synced. A damaged WAL silently loses its tail; the mark is how the next start notices.
 */
export class MarkFile {
  readonly #descriptor: number;
  readonly #bytes = Buffer.alloc(length);

  constructor(path: string, databaseId: Uint8Array) {
    this.#descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    this.#bytes.set(databaseId, 0);
    this.#bytes.writeUInt32BE(magic, 24);
  }

  /** Never throws: the commit is durable already, and an older mark stays true. */
  write(commitSeq: number): void {
    this.#bytes.writeBigUInt64BE(BigInt(commitSeq), 16);
    this.#bytes.writeUInt32BE(crc32(this.#bytes.subarray(0, 28)), 28);
    try {
      writeSync(this.#descriptor, this.#bytes, 0, length, 0);
    } catch {
      // A full disk, where the file was not there before.
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** Reads a mark: null where there is none yet, `unreadable` where it is damaged. */
export function readMark(path: string): Mark | 'unreadable' | null {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? null : 'unreadable';
  }
  const whole =
    bytes.length === length &&
    bytes.readUInt32BE(24) === magic &&
    bytes.readUInt32BE(28) === crc32(bytes.subarray(0, 28));
  if (!whole) return 'unreadable';
  return { databaseId: bytes.subarray(0, 16), commitSeq: Number(bytes.readBigUInt64BE(16)) };
}
