import type { Clock } from '../../core/domain/clock.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import { clientNetwork } from '../../core/domain/ip-network.ts';
import type { RateLimits } from '../../core/storage/ports/rate-limits.ts';

const minute = 60_000;
const perAddressAndAccount = { most: 10, window: minute };
const perAccount = { most: 50, window: 15 * minute };
const knownAddresses = 10_000;

interface Limit {
  readonly key: string;
  readonly most: number;
  readonly window: number;
}

/**
 * Bounds guessing at passwords by address, by account, and by the two together. A guess is paid for before the password
 * is looked at, so that parallel ones find no gap, and given back when it was right. Whoever guesses at an account from
 * many addresses locks it for strangers only: addresses that logged in to it before are let through.
 */
export class LoginThrottle {
  readonly #rateLimits: RateLimits;
  readonly #perAddress: { readonly most: number; readonly window: number };
  readonly #clock: Clock;
  readonly #known = new Set<string>();

  constructor(options: { rateLimits: RateLimits; requests: number; window: number; clock: Clock }) {
    this.#rateLimits = options.rateLimits;
    this.#perAddress = { most: options.requests, window: options.window };
    this.#clock = options.clock;
  }

  /** Rejects with RATE_LIMITED. Answers the function to call when the login was right. */
  async take(address: string, email: string): Promise<() => Promise<void>> {
    const network = clientNetwork(address);
    const account = email.toLowerCase();
    const pair = `${network} ${account}`;
    const limits: Limit[] = [
      { key: `login:address:${network}`, ...this.#perAddress },
      { key: `login:pair:${pair}`, ...perAddressAndAccount },
      ...(this.#known.has(pair) ? [] : [{ key: `login:account:${account}`, ...perAccount }]),
    ];
    for (const { key, most, window } of limits) {
      const state = await this.#rateLimits.consume(key, most, window);
      if (state.allowed) continue;
      const seconds = Math.max(1, Math.ceil((state.resetsAt - this.#clock.now()) / 1000));
      throw new SluiceError('RATE_LIMITED', `too many failed logins; try again in ${seconds} seconds`);
    }
    return async () => {
      this.#remember(pair);
      for (const { key, most, window } of limits) await this.#rateLimits.consume(key, most, window, -1);
    };
  }

  #remember(pair: string): void {
    this.#known.delete(pair);
    this.#known.add(pair);
    const [oldest] = this.#known;
    if (this.#known.size > knownAddresses && oldest !== undefined) this.#known.delete(oldest);
  }
}
