import type { Collection, Filter } from 'mongodb';
import { dayMilliseconds } from '../../rules/time-spans.ts';
import type { MongodbDatabase } from '../client.ts';
import { isDuplicateKey } from '../store-error.ts';
import type { Bodies, BodyDocument, PieceId } from './bodies.ts';
import type { MessageDocument, TombstoneDocument } from './message-documents.ts';
import type { RecordDocument } from './records.ts';
import type { ServerClock } from './server-clock.ts';
import { placeOf, placesOf } from './slot.ts';

/** How far the bodies were gone through; several processes take turns at it. */
export interface BodySweepDocument {
  readonly _id: 'bodies';
  readonly turn: number;
  /** The last piece looked at, and when it was written. */
  readonly at: number;
  readonly piece: PieceId | null;
  /** When this time through began. */
  readonly startedAt: number;
}

const beginning = { at: 0, piece: null };

/**
 * Deletes bodies that no record needs: those of mail that was never committed, once their time is over (a tombstone
 * first takes the place of the record, so that it cannot come later), and what was left when a message became final.
 * Each body is looked at once when it is old enough, and all that are left once a day.
 */
export class OrphanBodies {
  readonly #records: Collection<RecordDocument>;
  readonly #tombstones: Collection<TombstoneDocument>;
  readonly #pieces: Collection<BodyDocument>;
  readonly #progress: Collection<BodySweepDocument>;
  readonly #bodies: Bodies;
  readonly #clock: ServerClock;
  readonly #receiving: number;

  /** `receiving`: twice the DATA deadline, in milliseconds. */
  constructor(database: MongodbDatabase, parts: { bodies: Bodies; clock: ServerClock; receiving: number }) {
    this.#records = database.db.collection<RecordDocument>('messages');
    this.#tombstones = database.db.collection<TombstoneDocument>('messages');
    this.#pieces = database.collection('bodies');
    this.#progress = database.collection('body_sweeps');
    this.#bodies = parts.bodies;
    this.#clock = parts.clock;
    this.#receiving = parts.receiving;
  }

  /** Looks at up to `limit` pieces; answers how many it saw, 0 where another process is at it. */
  async sweep(limit: number): Promise<number> {
    const now = this.#clock.now();
    const progress = await this.#current(now);
    const old = { at: { $lt: now - this.#receiving } };
    const further =
      progress.piece === null
        ? {}
        : { $or: [{ at: { $gt: progress.at } }, { at: progress.at, _id: { $gt: progress.piece } }] };
    const pieces = await this.#pieces
      .find({ $and: [old, further] } as Filter<BodyDocument>)
      .sort({ at: 1, _id: 1 })
      .limit(limit)
      .project<Pick<BodyDocument, '_id' | 'at'>>({ _id: 1, at: 1 })
      .toArray();
    await this.#look([...new Set(pieces.map(({ _id }) => _id.message))], now);
    const last = pieces.at(-1);
    const again = pieces.length < limit && now - progress.startedAt > dayMilliseconds;
    if (last === undefined && !again) return 0;
    const { matchedCount } = await this.#progress.updateOne(
      { _id: 'bodies', turn: progress.turn },
      {
        $set: {
          ...(again || last === undefined ? beginning : { at: last.at, piece: last._id }),
          ...(again ? { startedAt: now } : {}),
        },
        $inc: { turn: 1 },
      },
    );
    return matchedCount === 0 ? 0 : pieces.length;
  }

  async #current(now: number): Promise<BodySweepDocument> {
    const found = await this.#progress.findOne({ _id: 'bodies' });
    if (found !== null) return found;
    const first: BodySweepDocument = { _id: 'bodies', turn: 0, ...beginning, startedAt: now };
    await this.#progress.insertOne(first).catch((error: unknown) => {
      if (!isDuplicateKey(error)) throw error;
    });
    return first;
  }

  async #look(messages: readonly string[], now: number): Promise<void> {
    if (messages.length === 0) return;
    const found = await this.#records
      .find(placesOf(messages))
      .project<Pick<MessageDocument, '_id' | 'open' | 'purgeAt'>>({ open: 1, purgeAt: 1 })
      .toArray();
    const records = new Map(found.map((record) => [record._id, record]));
    for (const message of messages) {
      const record = records.get(message);
      const needed = record?.open === true || record?.purgeAt !== undefined;
      if (needed || (record === undefined && !(await this.#bury(message, now)))) continue;
      await this.#bodies.removeAll(message);
    }
  }

  /** False where its record has just come. */
  async #bury(message: string, now: number): Promise<boolean> {
    try {
      await this.#tombstones.insertOne({ ...placeOf(message), kind: 'tombstone', outcome: 'given-up', buriedAt: now });
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }
}
