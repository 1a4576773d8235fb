import type { Identity } from '../../core/domain/identity.ts';
import type { Directory } from '../../core/pipeline/directory.ts';
import type { SmtpCredential, User } from '../../core/storage/ports/accounts.ts';
import type { CounterWindow } from '../../core/storage/ports/counters.ts';
import type { Calendar, Period } from './calendar.ts';
import type { QuotaConfig } from './config.ts';

export type OverLimit = 'defer' | 'reject';

/** A window of a quota, and what a refusal says about it. */
export interface QuotaWindow extends CounterWindow {
  readonly period: Period;
  /** Whose quota it is. */
  readonly of: 'credential' | 'user' | 'network';
}

/** What one sender may still send, now. */
export interface Allowance {
  readonly windows: readonly QuotaWindow[];
  readonly overLimit: OverLimit;
}

interface Limits {
  readonly daily: number | null;
  readonly hourly: number | null;
}

interface Remembered extends Allowance {
  readonly user: User;
  readonly hour: Period;
  readonly day: Period;
}

/**
 * Finds the windows that a sender's recipients count in. They are remembered for each credential until an hour ends or
 * its row or its owner's changes, because this runs once a recipient.
 */
export class Allowances {
  readonly #calendar: Calendar;
  readonly #directory: Directory;
  readonly #networks: ReadonlyMap<string, QuotaConfig['networks'][number]>;
  readonly #remembered = new WeakMap<SmtpCredential, Remembered>();

  constructor(options: { calendar: Calendar; directory: Directory; networks: QuotaConfig['networks'] }) {
    this.#calendar = options.calendar;
    this.#directory = options.directory;
    this.#networks = new Map(options.networks.map((network) => [`network:${network.name}`, network]));
  }

  /** Undefined where credential or owner are gone: such mail is not to be taken. */
  of(identity: Identity, now: number): Allowance | undefined {
    const hour = this.#calendar.hour(now);
    const day = this.#calendar.day(now);
    if (identity.credentialId === null) return this.#ofNetwork(identity.ownerId, hour, day);
    const credential = this.#directory.credential(identity.credentialId);
    const user = this.#directory.user(identity.ownerId);
    if (credential === undefined || user === undefined) return undefined;
    const known = this.#remembered.get(credential);
    if (known !== undefined && known.user === user && known.hour === hour && known.day === day) return known;
    const ofCredential = { daily: credential.dailyQuota, hourly: credential.hourlyQuota };
    const ofUser = { daily: user.dailyQuota, hourly: user.hourlyQuota };
    const windows = [
      ...windowsOf('credential', user.id, `credential:${credential.id}`, ofCredential, hour, day),
      ...windowsOf('user', user.id, `user:${user.id}`, ofUser, hour, day),
    ];
    const allowance = { windows, overLimit: credential.overLimit, user, hour, day };
    this.#remembered.set(credential, allowance);
    return allowance;
  }

  #ofNetwork(ownerId: string, hour: Period, day: Period): Allowance {
    const network = this.#networks.get(ownerId);
    if (network === undefined) return { windows: [], overLimit: 'defer' };
    const limits = { daily: network.daily_quota, hourly: network.hourly_quota };
    return {
      windows: windowsOf('network', ownerId, `user:${ownerId}`, limits, hour, day),
      overLimit: network.over_limit,
    };
  }
}

/** `null` makes no window: what has no limit is not counted. */
function windowsOf(
  of: QuotaWindow['of'],
  account: string,
  owner: string,
  limits: Limits,
  hour: Period,
  day: Period,
): QuotaWindow[] {
  const windows: QuotaWindow[] = [];
  const add = (limit: number | null, period: Period) => {
    if (limit === null) return;
    const { key: window, startsAt, endsAt } = period;
    windows.push({ account, owner, window, limit, startsAt, endsAt, period, of });
  };
  add(limits.hourly, hour);
  add(limits.daily, day);
  return windows;
}
