import type { MongodbDatabase } from './client.ts';
import { upsert } from './upsert.ts';

export interface RevisionDocument {
  readonly _id: 'accounts' | 'blacklist';
  readonly n: number;
}

/**
 * Numbers that tell whether something may have changed. Counted before the change: a process that is killed between the
 * two has announced what never came, which costs a reading, and never made what it did not announce.
 */
export class Revisions {
  readonly #database: MongodbDatabase;

  constructor(database: MongodbDatabase) {
    this.#database = database;
  }

  /** To be awaited before the change. */
  async next(_id: RevisionDocument['_id']): Promise<void> {
    await upsert(() =>
      this.#database.ask(() => this.#revisions.updateOne({ _id }, { $inc: { n: 1 } }, { upsert: true })),
    );
  }

  async current(_id: RevisionDocument['_id']): Promise<string> {
    return String((await this.#database.ask(() => this.#revisions.findOne({ _id })))?.n ?? 0);
  }

  get #revisions() {
    return this.#database.collection('revisions');
  }
}
