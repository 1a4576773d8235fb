import type { Collection } from 'mongodb';
import { dayMilliseconds } from '../../rules/time-spans.ts';
import type { MongodbDatabase } from '../client.ts';
import type { Attempts } from './attempts.ts';
import { type Bodies, piecesOf } from './bodies.ts';
import type { ConservationSum } from './conservation.ts';
import type { SumsDocument } from './hourly-sums.ts';
import type { MessageDocument, RefusalDocument, TombstoneDocument } from './message-documents.ts';
import type { Moments } from './moments.ts';
import type { ServerClock } from './server-clock.ts';
import { placesOf } from './slot.ts';

/** A lease may outlive midnight; a day is closed once none from it can. */
const closingDelay = 600_000;
/** How long statistics are kept. */
const statisticsDays = 400;

const sumCollections = ['statistics', 'domain_statistics', 'upstream_statistics'] as const;

export interface RetentionParts {
  readonly database: MongodbDatabase;
  readonly bodies: Bodies;
  readonly attempts: Attempts;
  readonly conservation: ConservationSum;
  readonly clock: ServerClock;
  readonly moments: Moments;
  /** How long records of finished mail and refusals are kept, in milliseconds. */
  readonly log: number;
}

/** Closes days, and deletes what is past its time, a batch at a call; each call answers how much it did. */
export class Retention {
  readonly #parts: RetentionParts;
  readonly #messages: Collection<MessageDocument>;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
    this.#messages = parts.database.collection('messages');
  }

  /** Closes every day that is over. Deletes nothing, and need not be called again. */
  async closeDays(): Promise<number> {
    const { conservation, clock, moments } = this.#parts;
    const today = Math.floor((clock.now() - closingDelay) / dayMilliseconds);
    while ((await conservation.closeDay(today)) !== null);
    moments.closedDay = Math.max(moments.closedDay, await conservation.lastClosedDay());
    return 0;
  }

  /** Bodies of captured mail. */
  async purgeCaptured(limit: number): Promise<number> {
    const found = await this.#messages
      .find({ purgeAt: { $lte: this.#parts.clock.now() } })
      .limit(limit)
      .project<Pick<MessageDocument, '_id' | 'chunks'>>({ chunks: 1 })
      .toArray();
    if (found.length === 0) return 0;
    await this.#parts.bodies.remove(found.flatMap(({ _id, chunks }) => piecesOf(_id, chunks)));
    await this.#messages.updateMany(placesOf(found.map(({ _id }) => _id)), { $unset: { purgeAt: 1 } });
    return found.length;
  }

  /** Records of messages whose day is closed, with their attempts. */
  async purgeRecords(limit: number): Promise<number> {
    const { clock, moments, attempts, log } = this.#parts;
    const day = Math.min(Math.floor((clock.now() - log) / dayMilliseconds), moments.closedDay + 1);
    const found = await this.#messages
      .find({
        finalDay: { $lt: day },
        purgeAt: { $exists: false },
        // What still has something to tell or to send on is left for the next sweep.
        'generated.0': { $exists: false },
        'outbox.0': { $exists: false },
        'events.0': { $exists: false },
      })
      .limit(limit)
      .project<Pick<MessageDocument, '_id' | 'attempts'>>({ attempts: 1 })
      .toArray();
    if (found.length === 0) return 0;
    await attempts.remove(found);
    await this.#messages.deleteMany(placesOf(found.map(({ _id }) => _id)));
    return found.length;
  }

  /** Refusals, and the tombstones of bodies that were given up. */
  async purgeRefusals(limit: number): Promise<number> {
    const { database, clock, log } = this.#parts;
    const before = clock.now() - log;
    const refusals = database.db.collection<RefusalDocument | TombstoneDocument>('messages');
    const found = await refusals
      .find({
        $or: [
          { outcome: { $in: ['refused', 'reset', 'aborted'] }, at: { $lt: before } },
          { outcome: 'given-up', buriedAt: { $lt: before } },
        ],
      })
      .limit(limit)
      .project<{ _id: string }>({ _id: 1 })
      .toArray();
    if (found.length === 0) return 0;
    await refusals.deleteMany(placesOf(found.map(({ _id }) => _id)));
    return found.length;
  }

  async purgeStatistics(limit: number): Promise<number> {
    const { database, clock } = this.#parts;
    const before = clock.now() - statisticsDays * dayMilliseconds;
    let most = 0;
    for (const name of sumCollections) {
      const sums: Collection<SumsDocument> = database.collection(name);
      const found = await sums
        .find({ hour: { $lt: before } })
        .limit(limit)
        .project<Pick<SumsDocument, '_id'>>({ _id: 1 })
        .toArray();
      if (found.length > 0) await sums.deleteMany({ _id: { $in: found.map(({ _id }) => _id) } });
      most = Math.max(most, found.length);
    }
    return most;
  }
}
