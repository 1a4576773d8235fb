import { uuidv7 } from 'uuidv7';
import type { Clock } from '../../core/domain/clock.ts';
import { clientNetwork, NetworkSet, parseNetwork } from '../../core/domain/ip-network.ts';
import type { Logger } from '../../core/observability/log.ts';
import type { Blacklist, BlacklistEntry } from '../../core/storage/ports/blacklist.ts';
import type { Bus } from '../../core/storage/ports/bus.ts';
import type { RateLimits } from '../../core/storage/ports/rate-limits.ts';
import type { BlacklistConfig } from './config.ts';

/** What counts against an address: `refusals` are transactions refused for good without a login. */
export type Offence = 'failed_logins' | 'refusals';

const names = { failed_logins: 'failed logins', refusals: 'refused transactions' } as const;

export interface AutoBanOptions {
  /** The plugin's, so that two instances count apart. */
  readonly id: string;
  readonly config: BlacklistConfig['auto_ban'];
  readonly blacklist: Blacklist;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly rateLimits: RateLimits;
  readonly log: Logger;
  /** Addresses and CIDR networks that are never banned. */
  readonly protectedNetworks: readonly string[];
}

/** Counts offences and bans who passes a threshold; protected networks are neither counted nor banned. */
export class AutoBan {
  readonly #options: AutoBanOptions;
  readonly #protected: NetworkSet;

  constructor(options: AutoBanOptions) {
    this.#options = options;
    this.#protected = new NetworkSet(options.protectedNetworks);
  }

  /** Resolves when the offences are counted and, where they were too many, the ban is stored. */
  async count(address: string, offence: Offence, points: number): Promise<void> {
    const { id, config, rateLimits } = this.#options;
    if (!config.enabled || points === 0 || this.#protected.contains(address)) return;
    const key = `${id}:${offence}:${clientNetwork(address)}`;
    const state = await rateLimits.consume(key, config[offence], config.window, points);
    if (state.allowed && state.used < config[offence]) return;
    await rateLimits.reset(key);
    await this.#ban(address, offence);
  }

  async #ban(address: string, offence: Offence): Promise<void> {
    const { blacklist, bus, clock, config, log } = this.#options;
    const network = this.#networkOf(address);
    const now = clock.now();
    if (network === null) return;
    const [listed] = await blacklist.byNetworks([network]);
    // A ban never shortens what an operator, or an earlier ban, has set.
    if (listed !== undefined && (listed.expiresAt === null || listed.expiresAt >= now + config.duration)) return;
    const minutes = Math.max(1, Math.round(config.window / 60_000));
    const entry: BlacklistEntry = {
      id: uuidv7(),
      network,
      reason: `${config[offence]} ${names[offence]} within ${minutes} minutes`,
      source: 'auto-ban',
      createdAt: now,
      updatedAt: now,
      expiresAt: now + config.duration,
    };
    await blacklist.put(entry);
    bus.publish({ kind: 'blacklist', id: entry.id });
    log.warn({ network, reason: entry.reason, expiresAt: entry.expiresAt }, 'banned automatically');
  }

  /** A single address, or the whole /64 of an IPv6 client unless something protected lies in it. */
  #networkOf(address: string): string | null {
    const wide = parseNetwork(clientNetwork(address));
    if (wide === null) return null;
    const around = new NetworkSet([wide]);
    const holdsProtected = this.#options.protectedNetworks.some((other) =>
      around.contains(other.split('/')[0] ?? other),
    );
    return holdsProtected ? (parseNetwork(address)?.text ?? null) : wide.text;
  }
}
