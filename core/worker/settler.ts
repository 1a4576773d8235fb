import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../observability/log.ts';
import type { DeliveryStore, Settled, Settlement } from '../storage/ports/delivery-store.ts';
import type { ClaimedWork } from './claimed-work.ts';
import type { LeaseKeeper } from './lease-keeper.ts';

/** Waits between two tries to write an outcome, in milliseconds: an outcome unwritten is mail sent twice. */
const pauses = { first: 250, most: 5_000 };

/** Writes outcomes, again and again while the store cannot: what was delivered must not be forgotten. */
export class Settler {
  readonly #store: DeliveryStore;
  readonly #leases: LeaseKeeper;
  readonly #log: Logger;
  readonly #onSettled: () => void;
  readonly #giveUp = new AbortController();
  #pending = 0;

  /** `onSettled` is called whenever `pending` went down. */
  constructor(store: DeliveryStore, leases: LeaseKeeper, log: Logger, onSettled: () => void) {
    this.#store = store;
    this.#leases = leases;
    this.#log = log;
    this.#onSettled = onSettled;
  }

  /** Settlements handed over and not yet durable. */
  get pending(): number {
    return this.#pending;
  }

  /** Stops trying again: the process is about to end. */
  giveUp(): void {
    this.#giveUp.abort();
  }

  /** Null where the lease was lost, or the outcome could not be written before the end. Never rejects. */
  async settle(work: ClaimedWork, settlement: Settlement): Promise<Settled | null> {
    this.#pending += 1;
    try {
      const settled = await this.#write(work, settlement);
      if (settled === null || settled.status === 'settled') return settled;
      this.#log.warn(
        { id: work.claim.record.id, attempts: settlement.attempts },
        'an outcome came after its lease had ended',
      );
      work.lose();
      return null;
    } finally {
      this.#pending -= 1;
      if (settlement.release || work.lost) this.#leases.remove(work);
      this.#onSettled();
    }
  }

  async #write(work: ClaimedWork, settlement: Settlement): Promise<Settled | null> {
    for (let wait = pauses.first; ; wait = Math.min(wait * 2, pauses.most)) {
      try {
        return await this.#store.settle(settlement);
      } catch (error) {
        this.#log.error({ err: error, id: work.claim.record.id }, 'an outcome could not be written; trying again');
      }
      if (this.#giveUp.signal.aborted || work.lost) return null;
      // Woken early by giving up: one last try follows.
      await pause(wait, undefined, { signal: this.#giveUp.signal }).catch(() => undefined);
    }
  }
}
