import { type Collection, type Filter, MongoServerError } from 'mongodb';
import type { Conservation } from '../../ports/mail-log.ts';
import { addTally, allStates, type Counts, noCounts } from '../../rules/tally.ts';
import type { MongodbDatabase } from '../client.ts';
import { isDuplicateKey } from '../store-error.ts';
import type { MessageDocument } from './message-documents.ts';

/** The counts of all messages that became final on one day; its records may be purged without changing the sum. */
export interface DayDocument {
  /** Days since the epoch, UTC. */
  readonly _id: number;
  readonly accepted: number;
  readonly generated: number;
  readonly states: Counts;
}

type DayCounts = Omit<DayDocument, '_id'>;

interface Group {
  readonly _id: { readonly origin: MessageDocument['origin']; readonly tally: string };
  readonly units: number;
  readonly messages: number;
}

const emptyDay = (): { accepted: number; generated: number; states: Counts } => ({
  accepted: 0,
  generated: 0,
  states: noCounts(),
});

/**
 * The sum of decisions.md: what came in is what every record says was accepted, what became of it is what the states of
 * its recipients add up to. Closed days come from their one document.
 */
export class ConservationSum {
  readonly #messages: Collection<MessageDocument>;
  readonly #days: Collection<DayDocument>;

  constructor(database: MongodbDatabase) {
    this.#messages = database.collection('messages');
    this.#days = database.collection('days');
  }

  /** -1 where none was closed yet. */
  async lastClosedDay(): Promise<number> {
    const [last] = await this.#days.find({}).sort({ _id: -1 }).limit(1).project<{ _id: number }>({ _id: 1 }).toArray();
    return last?._id ?? -1;
  }

  async sum(): Promise<Conservation> {
    const total = emptyDay();
    let closed = -1;
    for await (const day of this.#days.find({})) {
      closed = Math.max(closed, day._id);
      addDay(total, day);
    }
    addDay(total, await this.#count({ $or: [{ open: true }, { finalDay: { $gt: closed } }] }));
    const { accepted, generated, states } = total;
    const settled = allStates.reduce((sum, state) => sum + states[state], 0);
    return { accepted, generated, states, balanced: accepted + generated === settled };
  }

  /** Closes the first day that is over (before `today`) and not closed; null where there is none. */
  async closeDay(today: number): Promise<number | null> {
    const closed = await this.lastClosedDay();
    const first = await this.#messages
      .find({ finalDay: { $gt: closed, $lt: today } })
      .sort({ finalDay: 1 })
      .limit(1)
      .project<{ finalDay: number }>({ _id: 0, finalDay: 1 })
      .next();
    if (first === null) return null;
    const day = first.finalDay;
    try {
      await this.#days.insertOne({ _id: day, ...(await this.#count({ finalDay: day })) });
    } catch (error) {
      // Another process was faster; it counted the same.
      if (!isDuplicateKey(error)) throw error;
    }
    return day;
  }

  async #count(which: Filter<MessageDocument>): Promise<DayCounts> {
    const counts = emptyDay();
    for (const { _id, units, messages } of await this.#groups(which)) {
      if (_id.origin === 'bounce') counts.generated += units;
      else counts.accepted += units;
      addTally(counts.states, _id.tally, messages);
    }
    return counts;
  }

  /** Of one moment where the server can (replica sets): mail that ends meanwhile is counted once. */
  async #groups(which: Filter<MessageDocument>): Promise<Group[]> {
    const groups = (level: 'snapshot' | 'majority'): Promise<Group[]> =>
      this.#messages
        .aggregate<Group>(
          [
            { $match: which },
            {
              $group: { _id: { origin: '$origin', tally: '$tally' }, units: { $sum: '$units' }, messages: { $sum: 1 } },
            },
          ],
          { readConcern: { level } },
        )
        .toArray();
    return groups('snapshot').catch((error: unknown) =>
      error instanceof MongoServerError ? groups('majority') : Promise.reject(error),
    );
  }
}

function addDay(total: { accepted: number; generated: number; states: Counts }, day: DayCounts): void {
  total.accepted += day.accepted;
  total.generated += day.generated;
  for (const state of allStates) total.states[state] += day.states[state];
}
