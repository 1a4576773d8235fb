import type { Collection } from 'mongodb';
import type { Logger } from '../../../observability/log.ts';
import type { MongodbDatabase } from '../client.ts';
import { within } from '../deadline.ts';
import { isDuplicateKey } from '../store-error.ts';
import { type Bodies, piecesOf } from './bodies.ts';
import type { MessageDocument, TombstoneDocument } from './message-documents.ts';
import { placeOf } from './slot.ts';

type Withdrawn = Pick<MessageDocument, '_id' | 'commit' | 'chunks'>;

/** What is remembered at most, and how long until the next try, in milliseconds. */
const most = 10_000;
const pauseMilliseconds = 2_000;
/** How long an answer is waited for. */
const answerMilliseconds = 3_000;

/**
 * Mail that was answered 451 because nobody could say whether it was stored. The client will send it again; so that it
 * does not go out twice, what was stored after all is taken back, unless a worker was faster. A tombstone in its place
 * keeps a write that is still on its way from coming later.
 */
export class Withdrawals {
  readonly #records: Collection<MessageDocument | TombstoneDocument>;
  readonly #bodies: Bodies;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #waiting = new Map<string, Withdrawn>();
  #running: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(database: MongodbDatabase, parts: { bodies: Bodies; log: Logger; now: () => number }) {
    this.#records = database.db.collection<MessageDocument | TombstoneDocument>('messages');
    this.#bodies = parts.bodies;
    this.#log = parts.log;
    this.#now = parts.now;
  }

  add({ _id, commit, chunks }: Withdrawn): void {
    if (this.#waiting.size >= most) return;
    this.#waiting.set(_id, { _id, commit, chunks });
    this.#schedule(0);
  }

  /** Tries once more what is left, then gives up. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#running;
    await this.#run();
  }

  #schedule(milliseconds: number): void {
    if (this.#closed || this.#running !== null || this.#waiting.size === 0) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#running = this.#run().finally(() => {
        this.#running = null;
        this.#schedule(pauseMilliseconds);
      });
    }, milliseconds);
  }

  async #run(): Promise<void> {
    for (const message of [...this.#waiting.values()]) {
      try {
        await this.#withdraw(message);
        this.#waiting.delete(message._id);
      } catch {
        // The database does not answer yet; whatever is in it stays until it does.
        return;
      }
    }
  }

  async #withdraw({ _id, commit, chunks }: Withdrawn): Promise<void> {
    const { slot } = placeOf(_id);
    const tombstone = { slot, kind: 'tombstone', outcome: 'given-up', buriedAt: this.#now() } as const;
    try {
      await within(answerMilliseconds, this.#records.insertOne({ _id, ...tombstone }));
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      const replacing = this.#records.replaceOne({ _id, slot, commit, rev: 0 }, tombstone);
      const { matchedCount } = await within(answerMilliseconds, replacing);
      if (matchedCount === 0) return;
      this.#log.info({ id: _id }, 'mail that was answered 451 had been stored after all; it is taken back');
    }
    await this.#bodies.remove(piecesOf(_id, chunks));
  }
}
