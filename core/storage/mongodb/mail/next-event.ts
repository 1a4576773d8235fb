import type { Collection } from 'mongodb';
import type { MessageDocument } from './message-documents.ts';
import type { ServerClock } from './server-clock.ts';
import { slots } from './slot.ts';

const allSlots = Array.from({ length: slots }, (_, slot) => slot);

/** When the database will next have something to do for a worker. */
export class NextEvent {
  readonly #messages: Collection<MessageDocument>;
  readonly #clock: ServerClock;

  constructor(messages: Collection<MessageDocument>, clock: ServerClock) {
    this.#messages = messages;
    this.#clock = clock;
  }

  /** Until the next message becomes due or the next lease ends; `most` where that is further away. */
  async milliseconds(most: number): Promise<number> {
    const [due, lease] = await Promise.all([
      this.#messages
        .find({ lane: { $in: ['fresh', 'retry'] }, slot: { $in: allSlots }, due: { $gte: 0 } })
        .sort({ due: 1 })
        .limit(1)
        .project<{ due: number }>({ _id: 0, due: 1 })
        .next(),
      this.#messages
        .find({ 'lease.until': { $gte: 0 } })
        .sort({ 'lease.until': 1 })
        .limit(1)
        .project<{ lease: { until: number } }>({ _id: 0, 'lease.until': 1 })
        .next(),
    ]);
    const untilDue = due === null ? most : due.due - Date.now();
    const untilLease = lease === null ? most : lease.lease.until - this.#clock.now();
    // A lease that has just ended is looked at a moment later, not in a busy loop.
    return Math.ceil(Math.min(most, untilDue, Math.max(untilLease, 1)));
  }
}
