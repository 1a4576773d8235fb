import type { WakeUp, WakeUpSource } from '../storage/ports/wake-ups.ts';

interface Offer {
  readonly wakeUp: WakeUp;
  readonly taken: (taken: boolean) => void;
}

/**
 * Where wake-ups of this process wait for a claim, and claims for a wake-up. A claim that waits in vain for
 * `pollMilliseconds` (default 5 s) goes to look at the database, whatever has become of the queue.
 */
export class PendingWakeUps implements WakeUpSource {
  readonly #pollMilliseconds: number;
  #offers: Offer[] = [];
  /** Wakes the claims that wait. */
  readonly #waiting = new Set<() => void>();

  constructor(options: { pollMilliseconds?: number } = {}) {
    this.#pollMilliseconds = options.pollMilliseconds ?? 5_000;
  }

  /**
   * Offers a wake-up to the claims of this process; false if none took it within `patienceMilliseconds`: they are busy,
   * and another process may have time for it.
   */
  offer(wakeUp: WakeUp, patienceMilliseconds: number): Promise<boolean> {
    return new Promise((resolve) => {
      const offer = {
        wakeUp,
        taken: (taken: boolean) => {
          clearTimeout(timer);
          resolve(taken);
        },
      };
      const timer = setTimeout(() => {
        this.#offers = this.#offers.filter((other) => other !== offer);
        resolve(false);
      }, patienceMilliseconds);
      this.#offers.push(offer);
      this.#wake();
    });
  }

  async next(limit: number, signal: AbortSignal): Promise<readonly WakeUp[]> {
    if (this.#offers.length === 0 && !signal.aborted) await this.#change(signal);
    if (signal.aborted) return [];
    const taken = this.#offers.splice(0, limit);
    for (const offer of taken) offer.taken(true);
    return taken.map(({ wakeUp }) => wakeUp);
  }

  /** Answers every open offer: not taken. */
  refuseAll(): void {
    for (const offer of this.#offers.splice(0)) offer.taken(false);
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, this.#pollMilliseconds);
      signal.addEventListener('abort', done, { once: true });
      this.#waiting.add(done);
    });
  }
}
