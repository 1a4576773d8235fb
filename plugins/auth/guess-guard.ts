import type { RateLimits } from '../../core/storage/ports/rate-limits.ts';
import type { AuthConfig } from './config.ts';
import { pause } from './pause.ts';
import { Turns } from './turns.ts';

/** How often, and after how many milliseconds, a window that is full is looked at once more before the address is locked. */
const secondLooks = { count: 5, milliseconds: 100 };

/** Longer names than any there are share a count: keys stay small whatever a client sends. */
const longestName = 128;

/**
 * Counts guesses and locks out. A guess is taken before the password is looked at and given back when it was right, so
 * that many at the same moment cannot pass together. Addresses come as the network that is counted as one client.
 */
export class GuessGuard {
  readonly #id: string;
  readonly #limits: RateLimits;
  readonly #config: AuthConfig;
  readonly #turns = new Turns();

  /** `id` is the plugin's, so that two instances count apart. */
  constructor(options: { id: string; rateLimits: RateLimits; config: AuthConfig }) {
    this.#id = options.id;
    this.#limits = options.rateLimits;
    this.#config = options.config;
  }

  /**
   * Logins of one address are looked at one after the other: many right ones at the same moment, as when an application
   * opens all its connections, must not look like guesses. Call the answer before any delay.
   */
  turn(address: string): Promise<() => void> {
    return this.#turns.take(address);
  }

  /**
   * Takes a guess of this address: how many it has taken in the window, this one included, or until when it is
   * locked. The guess that is one too many locks the address, except for credentials that it is known to use (`isKnown`
   * is asked only then): others behind the same address can cost them the guesses of one window, not the whole lock.
   */
  async take(
    address: string,
    isKnown: () => Promise<boolean>,
    signal: AbortSignal,
  ): Promise<{ taken: number } | { lockedUntil: number }> {
    const { failures, window, lock } = this.#config.address;
    const lockKey = this.#key('address-lock', address);
    const locked = await this.#limits.peek(lockKey, 1, lock);
    if (!locked.allowed && !(await isKnown())) return { lockedUntil: locked.resetsAt };
    let state = await this.#limits.consume(this.#key('address', address), failures, window);
    // Guesses that other processes look at now are taken, too, and may be given back in a moment.
    for (let look = 0; !state.allowed && locked.allowed && look < secondLooks.count; look += 1) {
      await pause(secondLooks.milliseconds, signal);
      state = await this.#limits.consume(this.#key('address', address), failures, window);
    }
    if (state.allowed) return { taken: state.used };
    if (!locked.allowed) return { lockedUntil: state.resetsAt };
    const { resetsAt } = await this.#limits.consume(lockKey, 1, lock);
    return { lockedUntil: resetsAt };
  }

  /** The guess was right, or was never looked at. */
  async giveBack(address: string): Promise<void> {
    const { failures, window } = this.#config.address;
    await this.#limits.consume(this.#key('address', address), failures, window, -1);
  }

  /** Until when this username is locked, or null. */
  async lockedName(username: string): Promise<number | null> {
    const state = await this.#limits.peek(this.#key('name-lock', username), 1, this.#config.credential.lock);
    return state.allowed ? null : state.resetsAt;
  }

  /** A wrong guess at this username; the one that fills the window locks it. */
  async failedName(username: string): Promise<void> {
    const { failures, window, lock } = this.#config.credential;
    const key = this.#key('name', username);
    const state = await this.#limits.consume(key, failures, window);
    if (state.allowed && state.used < failures) return;
    await this.#limits.consume(this.#key('name-lock', username), 1, lock);
    await this.#limits.reset(key);
  }

  /** Milliseconds to wait before the refusal of the nth guess of an address. */
  delay(nth: number): number {
    const { first, most } = this.#config.delay;
    return Math.min(first * 2 ** Math.min(nth - 1, 30), most);
  }

  #key(what: string, who: string): string {
    return `${this.#id}:${what}:${who.slice(0, longestName).toLowerCase()}`;
  }
}
