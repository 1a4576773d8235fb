import type { SluiceError } from '../../../domain/errors.ts';
import type { Claim } from '../../ports/delivery-store.ts';
import type { WakeUp, WakeUpSource } from '../../ports/wake-ups.ts';
import { storeError } from '../store-error.ts';
import type { AbandonedLeases } from './abandoned-leases.ts';
import type { ClaimCandidates } from './claim-candidates.ts';
import type { Leases } from './leases.ts';
import type { NextEvent } from './next-event.ts';

export interface ClaimOptions {
  readonly limit: number;
  readonly worker: string;
  readonly leaseMilliseconds: number;
  readonly signal: AbortSignal;
}

interface Waiting {
  readonly options: ClaimOptions;
  readonly resolve: (claims: Claim[]) => void;
  readonly reject: (error: SluiceError) => void;
}

export interface ClaimDeskParts {
  readonly leases: Leases;
  readonly candidates: ClaimCandidates;
  readonly abandoned: AbandonedLeases;
  readonly nextEvent: NextEvent;
  /** Where there is none, `wake` and the clock say when to look. */
  readonly wakeUps: WakeUpSource | null;
  /** How long to wait before looking at the database all the same, in milliseconds. */
  readonly poll: number;
  /** Ends the lease of what was claimed for somebody who had gone meanwhile. */
  readonly giveBack: (claim: Claim) => void;
}

/** Messages asked for in one round at most. */
const mostPlaces = 500;

/**
 * Where the claims of this process wait: one look at a time for all of them. Fresh claims are led to their messages by
 * wake-ups, each of which goes to one worker; the database itself is looked at when there is none.
 */
export class ClaimDesk {
  readonly #parts: ClaimDeskParts;
  #waiting: Waiting[] = [];
  #serving = false;
  #woken = false;
  /** When leases that ran out were last looked for. */
  #endedAt = Number.NEGATIVE_INFINITY;
  #sleeping: (() => void) | null = null;
  #afterLook: (() => void)[] = [];

  constructor(parts: ClaimDeskParts) {
    this.#parts = parts;
  }

  claim(options: ClaimOptions): Promise<Claim[]> {
    const { signal } = options;
    if (signal.aborted) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#waiting = this.#waiting.filter((one) => one !== waiting);
        resolve([]);
        if (this.#waiting.length === 0) this.#sleeping?.();
      };
      const done = (): void => signal.removeEventListener('abort', abort);
      const waiting: Waiting = {
        options,
        resolve: (claims) => {
          done();
          resolve(claims);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      };
      signal.addEventListener('abort', abort);
      this.#waiting.push(waiting);
      if (this.#parts.wakeUps === null) this.wake();
      void this.#serve();
    });
  }

  /** Something may be due now; where wake-ups are sent, they say so. */
  wake(): void {
    if (this.#parts.wakeUps !== null) return;
    this.#woken = true;
    this.#sleeping?.();
  }

  /** Ends all waiting: nobody is given anything any more. */
  close(): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve([]);
    this.#sleeping?.();
  }

  /** Resolves once no look is under way: what could be claimed by those who asked before has been. */
  async looked(): Promise<void> {
    if (this.#serving && this.#sleeping === null) await new Promise<void>((resolve) => this.#afterLook.push(resolve));
  }

  async #serve(): Promise<void> {
    if (this.#serving) return;
    this.#serving = true;
    let wakeUps: readonly WakeUp[] = this.#parts.wakeUps === null ? [] : await this.#next();
    while (this.#waiting.length > 0) {
      this.#woken = false;
      try {
        this.#handOut(await this.#look(wakeUps));
      } catch (error) {
        for (const { reject } of this.#waiting.splice(0)) reject(storeError(error));
      }
      wakeUps = this.#waiting.length > 0 && !this.#woken ? await this.#next() : [];
    }
    this.#serving = false;
    this.#looked();
  }

  #places(): number {
    const wanted = this.#waiting.reduce((sum, { options }) => sum + options.limit, 0);
    return Math.min(wanted, mostPlaces);
  }

  /** Claims what wake-ups tell of, or where there are none what the database has. */
  async #look(wakeUps: readonly WakeUp[]): Promise<Claim[]> {
    const { leases, candidates, abandoned, poll } = this.#parts;
    const [first] = this.#waiting;
    if (first === undefined) return [];
    const { worker, leaseMilliseconds } = first.options;
    const claims = await leases.recover();
    if (wakeUps.length > 0) return [...claims, ...(await leases.claim(wakeUps, { worker, leaseMilliseconds }))];
    if (performance.now() - this.#endedAt > poll) await this.#endExpired(abandoned);
    for (let round = 0; claims.length === 0 && round < 2; round += 1) {
      const chosen = await candidates.choose(this.#places(), Date.now());
      const wanted = chosen.map(({ _id }) => ({ id: _id }));
      claims.push(...(await leases.claim(wanted, { worker, leaseMilliseconds })));
      candidates.contended(chosen.length, chosen.length - claims.length);
      // With nothing to be had, what others left behind is brought back, and looked for once more.
      if (chosen.length === 0 && (await this.#endExpired(abandoned)) === 0) break;
    }
    return claims;
  }

  #endExpired(abandoned: AbandonedLeases): Promise<number> {
    this.#endedAt = performance.now();
    return abandoned.endExpired();
  }

  #handOut(claims: Claim[]): void {
    while (claims.length > 0) {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) break;
      waiting.resolve(claims.splice(0, waiting.options.limit));
    }
    for (const claim of claims) this.#parts.giveBack(claim);
  }

  /** Waits for wake-ups; none once it is time to look at the database. */
  async #next(): Promise<readonly WakeUp[]> {
    const { wakeUps } = this.#parts;
    if (wakeUps === null) {
      await this.#sleep();
      return [];
    }
    const waiting = new AbortController();
    this.#sleeping = () => waiting.abort();
    this.#looked();
    if (this.#waiting.length === 0) waiting.abort();
    try {
      return await wakeUps.next(this.#places(), waiting.signal);
    } catch {
      // Without wake-ups the clock says when to look.
      await this.#sleep();
      return [];
    } finally {
      this.#sleeping = null;
    }
  }

  /** Until something is due, a lease ends, somebody asks, or it is time to look all the same. */
  async #sleep(): Promise<void> {
    const { nextEvent, poll } = this.#parts;
    const wait = await nextEvent.milliseconds(poll).catch(() => poll);
    if (this.#woken || wait <= 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, wait);
      this.#sleeping = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#looked();
    });
    this.#sleeping = null;
  }

  #looked(): void {
    for (const resolve of this.#afterLook.splice(0)) resolve();
  }
}
