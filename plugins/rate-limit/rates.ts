import type { Identity } from '../../core/domain/identity.ts';
import { clientNetwork, NetworkSet } from '../../core/domain/ip-network.ts';
import type { RateLimitState, RateLimits } from '../../core/storage/ports/rate-limits.ts';
import type { Rate, RateLimitConfig } from './config.ts';

export type Counted = 'connections' | 'commands' | 'messages' | 'recipients';

/** A limit that was met: whose, and when its window ends (milliseconds since the epoch). */
export interface Exceeded {
  readonly counted: Counted;
  readonly of: 'address' | 'credential' | 'user';
  readonly rate: Rate;
  readonly resetsAt: number;
}

interface Check {
  readonly of: Exceeded['of'];
  readonly rate: Rate;
  readonly who: string;
}

type Now<T> = T | Promise<T>;

/** Takes one point from every window that concerns a client; stops at the first that is full. */
export class Rates {
  readonly #id: string;
  readonly #limits: RateLimits;
  readonly #config: RateLimitConfig;
  readonly #exempt: NetworkSet;

  constructor(options: { id: string; rateLimits: RateLimits; config: RateLimitConfig }) {
    this.#id = options.id;
    this.#limits = options.rateLimits;
    this.#config = options.config;
    this.#exempt = new NetworkSet(options.config.exempt);
  }

  /** False where no limit is set, so that nobody has to ask. */
  limits(counted: Counted): boolean {
    const { address, credential, user } = this.#config;
    if (address[counted] !== null) return true;
    return counted !== 'connections' && (credential[counted] !== null || user[counted] !== null);
  }

  take(counted: Counted, address: string, identity: Identity | null): Now<Exceeded | undefined> {
    const checks: Check[] = [];
    const ofAddress = this.#config.address[counted];
    if (ofAddress !== null && !this.#exempt.contains(address)) {
      checks.push({ of: 'address', rate: ofAddress, who: clientNetwork(address) });
    }
    if (counted !== 'connections' && identity !== null) {
      const ofCredential = this.#config.credential[counted];
      if (ofCredential !== null && identity.credentialId !== null) {
        checks.push({ of: 'credential', rate: ofCredential, who: identity.credentialId });
      }
      const ofUser = this.#config.user[counted];
      if (ofUser !== null) checks.push({ of: 'user', rate: ofUser, who: identity.ownerId });
    }
    return this.#run(counted, checks, 0);
  }

  #run(counted: Counted, checks: readonly Check[], from: number): Now<Exceeded | undefined> {
    for (let i = from; i < checks.length; i += 1) {
      const check = checks[i];
      if (check === undefined) break;
      const { of, rate, who } = check;
      const state = this.#limits.consume(`${this.#id}:${counted}:${of}:${who}`, rate.limit, rate.window);
      const judge = ({ allowed, resetsAt }: RateLimitState): Exceeded | undefined =>
        allowed ? undefined : { counted, of, rate, resetsAt };
      if (state instanceof Promise) return state.then((answer) => judge(answer) ?? this.#run(counted, checks, i + 1));
      const exceeded = judge(state);
      if (exceeded !== undefined) return exceeded;
    }
    return undefined;
  }
}
