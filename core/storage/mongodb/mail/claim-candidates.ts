import type { Collection } from 'mongodb';
import type { MessageDocument } from './message-documents.ts';
import { slots } from './slot.ts';

type Candidate = Pick<MessageDocument, '_id' | 'slot'>;

const allSlots = Array.from({ length: slots }, (_, slot) => slot);
/** Fewest slots a worker looks at, as a power of two of which all slots are divided by. */
const mostNarrow = 4;

/** A random choice of this many slots, side by side. */
function someSlots(count: number): number[] {
  const first = Math.floor(Math.random() * slots);
  return Array.from({ length: count }, (_, n) => (first + n) % slots);
}

/**
 * What is due, oldest first. Half of the places go to the backlog and half to fresh mail, so that neither starves; what
 * one side does not need the other gets. Where other workers take most of what is chosen here, the next look goes to
 * a random part of the slots: many workers on one queue do not all reach for the same oldest mail.
 */
export class ClaimCandidates {
  readonly #messages: Collection<MessageDocument>;
  #narrow = 0;

  constructor(messages: Collection<MessageDocument>) {
    this.#messages = messages;
  }

  async choose(places: number, now: number): Promise<Candidate[]> {
    const narrowed = this.#narrow;
    const chosen = await this.#among(narrowed === 0 ? allSlots : someSlots(slots >> narrowed), places, now);
    // Too little there: whoever would starve looks everywhere.
    return chosen.length > 0 || narrowed === 0 ? chosen : this.#among(allSlots, places, now);
  }

  /** How many of those that were chosen others had taken. */
  contended(chosen: number, lost: number): void {
    if (lost * 2 > chosen) this.#narrow = Math.min(this.#narrow + 1, mostNarrow);
    else if (lost * 8 < chosen) this.#narrow = Math.max(this.#narrow - 1, 0);
  }

  async #among(among: readonly number[], places: number, now: number): Promise<Candidate[]> {
    const find = (lane: 'fresh' | 'retry'): Promise<Candidate[]> =>
      this.#messages
        .find({ lane, slot: { $in: [...among] }, due: { $lte: now } })
        .sort({ due: 1 })
        .limit(places)
        .project<Candidate>({ _id: 1, slot: 1 })
        .toArray();
    const [fresh, backlog] = await Promise.all([find('fresh'), find('retry')]);
    const fromBacklog = backlog.slice(0, Math.max(Math.ceil(places / 2), places - fresh.length));
    return [...fromBacklog, ...fresh].slice(0, places);
  }
}
