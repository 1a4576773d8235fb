import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Counts } from '../rules/tally.ts';

interface Row {
  commit_seq: number;
  next_seq: number;
  messages: number;
  queued: number;
  deferred: number;
  held: number;
}

/**
 * The one row that every commit writes: the number of the commit, the next entry, the totals of the queue. Kept in
 * memory between commits, since this connection is the only one that writes.
 */
export class StoreRow {
  readonly databaseId: Uint8Array;
  readonly #update: StatementSync;
  #committed: Row;
  #row: Row;

  constructor(database: DatabaseSync) {
    const found = database.prepare('SELECT * FROM store').get();
    this.databaseId = found?.database_id as Uint8Array;
    this.#committed = {
      commit_seq: Number(found?.commit_seq),
      next_seq: Number(found?.next_seq),
      messages: Number(found?.messages),
      queued: Number(found?.queued),
      deferred: Number(found?.deferred),
      held: Number(found?.held),
    };
    this.#row = { ...this.#committed };
    this.#update = database.prepare(
      'UPDATE store SET commit_seq = ?, next_seq = ?, messages = ?, queued = ?, deferred = ?, held = ?',
    );
  }

  /** Number of the last commit. */
  get commitSeq(): number {
    return this.#committed.commit_seq;
  }

  /** Number of the commit that is being made. */
  get coming(): number {
    return this.#committed.commit_seq + 1;
  }

  takeSeq(): number {
    const seq = this.#row.next_seq;
    this.#row.next_seq = seq + 1;
    return seq;
  }

  /** Adds (`sign` 1) or takes away (-1) an open message from the totals. */
  count(counts: Counts, sign: 1 | -1): void {
    this.#row.messages += sign;
    this.#row.queued += sign * counts.queued;
    this.#row.deferred += sign * counts.deferred;
    this.#row.held += sign * counts.held;
  }

  /** Last statement of a transaction. */
  save(): void {
    const row = this.#row;
    row.commit_seq = this.coming;
    this.#update.run(row.commit_seq, row.next_seq, row.messages, row.queued, row.deferred, row.held);
  }

  committed(): void {
    this.#committed = { ...this.#row };
  }

  rolledBack(): void {
    this.#row = { ...this.#committed };
  }
}
