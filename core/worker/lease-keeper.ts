import type { Logger } from '../observability/log.ts';
import type { DeliveryStore } from '../storage/ports/delivery-store.ts';
import type { ClaimedWork } from './claimed-work.ts';

/** Milliseconds. */
export interface LeaseTimes {
  readonly lease: number;
  readonly lease_renewal: number;
}

/** Renews the leases of all work in hand, and tells the work whose lease is gone. By the monotonic clock. */
export class LeaseKeeper {
  readonly #store: DeliveryStore;
  readonly #times: LeaseTimes;
  readonly #log: Logger;
  /** Until when each lease is known to hold. */
  readonly #held = new Map<ClaimedWork, number>();
  #timer: NodeJS.Timeout | null = null;
  #renewing = false;

  constructor(store: DeliveryStore, times: LeaseTimes, log: Logger) {
    this.#store = store;
    this.#times = times;
    this.#log = log;
  }

  get size(): number {
    return this.#held.size;
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.#renew(), this.#times.lease_renewal);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  add(work: ClaimedWork): void {
    this.#held.set(work, performance.now() + this.#times.lease);
  }

  remove(work: ClaimedWork): void {
    this.#held.delete(work);
  }

  works(): Iterable<ClaimedWork> {
    return this.#held.keys();
  }

  /** False, and the work lost, where the lease may have run out: after a long freeze of this process, for one. */
  stillHolds(work: ClaimedWork): boolean {
    if (performance.now() < (this.#held.get(work) ?? 0)) return true;
    this.#lose(work);
    return false;
  }

  async #renew(): Promise<void> {
    for (const work of this.#held.keys()) this.stillHolds(work);
    if (this.#renewing || this.#held.size === 0) return;
    this.#renewing = true;
    try {
      const works = [...this.#held.keys()];
      const sentAt = performance.now();
      const leases = works.map((work) => work.lease);
      const lost = new Set(await this.#store.renew(leases, this.#times.lease));
      for (const work of works) {
        if (lost.has(work.lease.token)) this.#lose(work);
        else if (this.#held.has(work)) this.#held.set(work, sentAt + this.#times.lease);
      }
    } catch (error) {
      this.#log.error({ err: error }, 'leases could not be renewed; trying again');
    } finally {
      this.#renewing = false;
    }
  }

  #lose(work: ClaimedWork): void {
    if (!this.#held.delete(work)) return;
    this.#log.warn({ id: work.claim.record.id }, 'the lease of a message was lost; another worker will go on with it');
    work.lose();
  }
}
