import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';

/**
 * 256 consecutive entries share a block, so that new rows of the index lie together: a commit writes four pages of it. A
 * search asks block by block, some 10 ms a million entries.
 */
const blockBits = 8;
export const blockOf = (seq: number): number => Math.floor(seq / 2 ** blockBits);

/** What can be searched for; hashes may collide, so a hit is compared with the record. */
export const termHash = {
  address: (address: string): number => crc32(`a${address.toLowerCase()}`),
  domain: (domain: string): number => crc32(`d${domain.toLowerCase()}`),
  messageId: (messageId: string): number => crc32(`m${messageId}`),
};

/** The writing side of the search index. */
export class Terms {
  readonly #insert: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare('INSERT OR IGNORE INTO terms (block, hash, seq) VALUES (?, ?, ?)');
  }

  add(seq: number, hashes: Iterable<number>): void {
    const block = blockOf(seq);
    for (const hash of hashes) this.#insert.run(block, hash, seq);
  }
}

/** The domain of an address as it stands in an envelope; empty where there is none. */
export const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1);
