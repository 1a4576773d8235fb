import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Remembered } from '../ports/idempotency.ts';

/** Writing side of the answers to requests with an idempotency key. */
export class IdempotencyRows {
  readonly #find: StatementSync;
  readonly #put: StatementSync;
  readonly #finish: StatementSync;
  readonly #remove: StatementSync;

  constructor(database: DatabaseSync) {
    this.#find = database.prepare('SELECT digest, answer FROM idempotency_keys WHERE key = ? AND expires_at > ?');
    this.#put = database.prepare(
      'INSERT OR REPLACE INTO idempotency_keys (key, digest, answer, expires_at) VALUES (?, ?, NULL, ?)',
    );
    this.#finish = database.prepare('UPDATE idempotency_keys SET answer = ? WHERE key = ?');
    this.#remove = database.prepare('DELETE FROM idempotency_keys WHERE key = ?');
  }

  begin(key: string, digest: string, at: number, expiresAt: number): Remembered {
    const found = this.#find.get(key, at);
    if (found === undefined) {
      this.#put.run(key, digest, expiresAt);
      return { state: 'new' };
    }
    const known = String(found.digest);
    if (found.answer === null) return { state: 'unfinished', digest: known };
    return { state: 'answered', digest: known, answer: String(found.answer) };
  }

  finish(key: string, answer: string): void {
    this.#finish.run(answer, key);
  }

  abandon(key: string): void {
    this.#remove.run(key);
  }
}
