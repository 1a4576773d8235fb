import type { Collection, Filter } from 'mongodb';
import type { Attempt } from '../../../domain/message.ts';
import { isFinal } from '../../../domain/message.ts';
import { fits } from '../../../domain/recipient-filter.ts';
import type { Page } from '../../ports/accounts.ts';
import type {
  Conservation,
  LogEntry,
  MailLog,
  MailLogFilter,
  MailLogListOptions,
  MailStatistics,
  QueueFilter,
  QueueState,
  StatisticsRow,
} from '../../ports/mail-log.ts';
import { isMessageId } from '../../rules/message-id.ts';
import { addTally, noCounts } from '../../rules/tally.ts';
import type { MongodbDatabase } from '../client.ts';
import type { Attempts } from './attempts.ts';
import type { Bodies } from './bodies.ts';
import type { ConservationSum } from './conservation.ts';
import type { SumsDocument } from './hourly-sums.ts';
import { beyond, cursorOf, logEntry, parseCursor, shown } from './log-entries.ts';
import { searchLog } from './log-search.ts';
import type { MessageDocument } from './message-documents.ts';
import type { RecordDocument } from './records.ts';
import { placeOf } from './slot.ts';

export interface MailLogParts {
  readonly database: MongodbDatabase;
  readonly bodies: Bodies;
  readonly attempts: Attempts;
  readonly conservation: ConservationSum;
}

interface Whose {
  readonly ownerId?: string;
  readonly credentialId?: string;
}

const whose = ({ ownerId, credentialId }: Whose): { owner?: string; credential?: string } => ({
  ...(ownerId === undefined ? {} : { owner: ownerId }),
  ...(credentialId === undefined ? {} : { credential: credentialId }),
});

const noStatistics: MailStatistics = {
  accepted: 0,
  delivered: 0,
  relayed: 0,
  captured: 0,
  discarded: 0,
  bounced: 0,
  expired: 0,
  cancelled: 0,
  deferred: 0,
  refused: 0,
};

/** Reading side: from the primary, since what was just written is looked for. */
export class MongodbMailLog implements MailLog {
  readonly #parts: MailLogParts;
  readonly #records: Collection<RecordDocument>;
  readonly #messages: Collection<MessageDocument>;
  readonly #statistics: Collection<SumsDocument>;

  constructor(parts: MailLogParts) {
    this.#parts = parts;
    this.#records = parts.database.db.collection<RecordDocument>('messages');
    this.#messages = parts.database.collection('messages');
    this.#statistics = parts.database.collection('statistics');
  }

  list(filter: MailLogFilter, options: MailLogListOptions): Promise<Page<LogEntry>> {
    return this.#ask(() => searchLog(this.#records, filter, options));
  }

  async get(id: string): Promise<LogEntry | null> {
    if (!isMessageId(id)) return null;
    const which: Filter<RecordDocument> = { ...placeOf(id), kind: { $in: ['message', 'refusal'] } };
    const found = await this.#ask(() => this.#records.findOne(which, { projection: shown }));
    return found === null ? null : logEntry(found);
  }

  async attempts(id: string): Promise<readonly Attempt[]> {
    if (!isMessageId(id)) return [];
    const found = await this.#ask(() => this.#messages.findOne({ ...placeOf(id), kind: 'message' }));
    return found === null ? [] : this.#ask(() => this.#parts.attempts.of(found));
  }

  async queue({ ownerId, after, limit }: { ownerId?: string; after?: string; limit: number }): Promise<Page<LogEntry>> {
    const conditions = [
      { open: true },
      whose({ ...(ownerId === undefined ? {} : { ownerId }) }),
      beyond('queueAt', parseCursor(after), 1),
    ];
    const found = await this.#ask(() =>
      this.#messages
        .find({ $and: conditions } as Filter<MessageDocument>, { projection: shown })
        .sort({ queueAt: 1, _id: 1 })
        .limit(limit + 1)
        .toArray(),
    );
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const next = found.length > limit && last?.queueAt !== undefined ? cursorOf(last.queueAt, last._id) : null;
    return { items: items.map(logEntry), next };
  }

  async queueMatches(filter: QueueFilter, { after, limit }: { after?: string; limit: number }): Promise<Page<string>> {
    const { from, until } = filter;
    const conditions = [
      { open: true },
      whose(filter),
      ...(from === undefined ? [] : [{ at: { $gte: from } }]),
      ...(until === undefined ? [] : [{ at: { $lt: until } }]),
      beyond('at', parseCursor(after), 1),
    ];
    const found = await this.#ask(() =>
      this.#messages
        .find({ $and: conditions } as Filter<MessageDocument>)
        .sort({ at: 1, _id: 1 })
        .limit(limit)
        .project<Pick<MessageDocument, '_id' | 'at' | 'recipients'>>({ at: 1, recipients: 1 })
        .toArray(),
    );
    const meant = found.filter(({ recipients }) =>
      recipients.some((recipient) => !isFinal(recipient.state) && fits(recipient, filter)),
    );
    const last = found.at(-1);
    const next = found.length < limit || last === undefined ? null : cursorOf(last.at, last._id);
    return { items: meant.map(({ _id }) => _id), next };
  }

  async queueState(): Promise<QueueState> {
    const [groups, leased, oldest] = await this.#ask(() =>
      Promise.all([
        this.#messages
          .aggregate<{ _id: string; messages: number }>([
            { $match: { open: true } },
            { $group: { _id: '$tally', messages: { $sum: 1 } } },
          ])
          .toArray(),
        this.#messages.countDocuments({ 'lease.until': { $gte: 0 } }),
        this.#messages.find({ open: true }).sort({ at: 1 }).limit(1).project<{ at: number }>({ at: 1 }).next(),
      ]),
    );
    const counts = noCounts();
    let all = 0;
    for (const { _id, messages } of groups) {
      addTally(counts, _id, messages);
      all += messages;
    }
    const { queued, deferred, held } = counts;
    return { messages: all, queued, deferred, held, leased, oldest: oldest?.at ?? null };
  }

  async statistics({ from, until, ...owner }: Whose & { from: number; until: number }): Promise<StatisticsRow[]> {
    const columns = Object.keys(noStatistics);
    const rows = await this.#ask(() =>
      this.#statistics
        .aggregate<StatisticsRow & { _id: number }>([
          { $match: { ...whose(owner), hour: { $gte: from, $lt: until } } },
          { $group: { _id: '$hour', ...Object.fromEntries(columns.map((name) => [name, { $sum: `$${name}` }])) } },
          { $sort: { _id: 1 } },
        ])
        .toArray(),
    );
    return rows.map(({ _id, ...sums }) => ({ ...noStatistics, ...sums, hour: _id }));
  }

  conservation(): Promise<Conservation> {
    return this.#ask(() => this.#parts.conservation.sum());
  }

  readChunk(id: string, n: number): Promise<Uint8Array | null> {
    return this.#ask(() => this.#parts.bodies.read(id, n));
  }

  acceptedBetween = async (owner: Whose, from: number, until: number): Promise<number> => {
    const [sum] = await this.#ask(() =>
      this.#messages
        .aggregate<{ units: number }>([
          { $match: { kind: 'message', ...whose(owner), at: { $gte: from, $lt: until }, origin: { $ne: 'bounce' } } },
          { $group: { _id: null, units: { $sum: '$units' } } },
        ])
        .toArray(),
    );
    return sum?.units ?? 0;
  };

  #ask<T>(operation: () => Promise<T>): Promise<T> {
    return this.#parts.database.ask(operation);
  }
}
