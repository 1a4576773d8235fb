import type { Collection } from 'mongodb';
import type { SluiceError } from '../../../domain/errors.ts';
import type { MongodbDatabase } from '../client.ts';
import { insertDurably } from './durable-inserts.ts';
import type { EventOutbox } from './event-outbox.ts';
import type { MessageDocument, RefusalDocument } from './message-documents.ts';
import { notStored } from './not-stored.ts';
import { placesOf } from './slot.ts';
import type { Statistics } from './statistics.ts';
import type { Withdrawals } from './withdrawals.ts';
import { answerBy, WriteBatches } from './write-batches.ts';

export type RecordDocument = MessageDocument | RefusalDocument;

interface Item {
  readonly record: RecordDocument;
  readonly withdraw: boolean;
}

/** What a record weighs besides what its texts hold, roughly. */
const recordBytes = 2_048;
const sizeOf = (record: RecordDocument): number =>
  recordBytes + (record.kind === 'message' ? record.facts.length + record.units * 256 : record.record.length);

/**
 * Inserts the records of messages whose bodies are durable, and those of refusals; what arrives together is written
 * together, and counted beside it.
 */
export class Records {
  readonly #records: Collection<RecordDocument>;
  readonly #statistics: Statistics;
  readonly #withdrawals: Withdrawals;
  readonly #events: EventOutbox;
  readonly #writes: WriteBatches<Item, null>;

  constructor(
    database: MongodbDatabase,
    parts: { statistics: Statistics; withdrawals: Withdrawals; events: EventOutbox },
  ) {
    this.#records = database.db.collection<RecordDocument>('messages');
    this.#statistics = parts.statistics;
    this.#withdrawals = parts.withdrawals;
    this.#events = parts.events;
    this.#writes = new WriteBatches(({ items, deadline }) => this.#write(items, deadline));
  }

  get unwritten(): number {
    return this.#writes.unwritten;
  }

  /**
   * Resolves once the record is durable: from then on it is accepted mail. Where that cannot be found out it is taken
   * back, unless `withdraw` says that the insert will be repeated.
   */
  async insert(
    record: RecordDocument,
    { withdraw = true, deadline = answerBy() }: { withdraw?: boolean; deadline?: number } = {},
  ): Promise<void> {
    await this.#writes.add({ record, withdraw }, sizeOf(record), deadline);
  }

  /** Drops a record whose insert has not begun; its `insert` rejects. */
  giveUp(id: string): void {
    this.#writes.withdraw(({ record }) => record._id === id);
  }

  drained(): Promise<void> {
    return this.#writes.drained();
  }

  async #write(items: readonly Item[], deadline: number): Promise<(null | SluiceError)[]> {
    const now = Date.now();
    const records = items.map(({ record }) => record);
    const messages = records.filter((record) => record.kind === 'message');
    await this.#statistics.prepare(messages, now);
    for (const message of messages) this.#statistics.accepted(message, message.recipients, now);
    const places = (some: readonly RecordDocument[]): object => placesOf(some.map(({ _id }) => _id));
    const [answers] = await Promise.all([
      insertDurably(this.#records, records, places, deadline),
      this.#statistics.save(deadline),
    ]);
    // A connection that broke may have taken the counts with it.
    await this.#statistics.save(deadline);
    const stored = records.filter((_, index) => answers[index]?.outcome === 'stored');
    this.#events.publish(stored.map(({ _id, events = [] }) => ({ id: _id, earlier: [], events })));
    return items.map(({ record, withdraw }, index) => {
      const answer = answers[index];
      if (answer === undefined || answer.outcome === 'stored') return null;
      if (record.kind === 'message') {
        this.#statistics.accepted(record, record.recipients, now, -1);
        if (withdraw && answer.outcome === 'unknown') this.#withdrawals.add(record);
      }
      return notStored(record._id, answer);
    });
  }
}
