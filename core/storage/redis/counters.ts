import { randomUUID } from 'node:crypto';
import type { Clock } from '../../domain/clock.ts';
import { SluiceError } from '../../domain/errors.ts';
import type { AcceptedRecipients } from '../ports/accepted-recipients.ts';
import type {
  CounterReader,
  Counters,
  CounterWindow,
  Reservation,
  Reserved,
  WindowStanding,
} from '../ports/counters.ts';
import { renewScript, reserveScript, settleScript, standingScript, takeBackScript } from './counter-scripts.ts';
import type { RedisLink } from './link.ts';
import { Script } from './script.ts';

/** A window is kept this long after its end, for reservations that are settled late. */
const graceMilliseconds = 60 * 60_000;
/** How long a settled reservation can be refunded; a commit is answered or given up long before. */
const keptMilliseconds = 10 * 60_000;
/** Seeds may be asked for again where the server changes between two calls. */
const mostSeedings = 4;
/** Reservations whose fate is unknown, remembered until Redis answers again; beyond it they lapse with lease or window. */
const mostUnknown = 10_000;

interface RedisReservation extends Reservation {
  /** The account's marker when it was made: another one tells that it may have been lost. */
  readonly marker: string;
}

const markerOf = (reservation: Reservation): string => (reservation as Partial<RedisReservation>).marker ?? '';

type States = 'h' | 's' | 'hs';

/**
 * Counters in Redis, exact across processes. Redis may forget them at any time: what it cannot vouch for is counted anew
 * from the mail that the database has. Every call is one script on the server that holds the account.
 */
export class RedisCounters implements Counters, CounterReader {
  readonly #link: RedisLink;
  readonly #accepted: AcceptedRecipients;
  readonly #clock: Clock;
  readonly #leaseMilliseconds: number;
  readonly #scripts = {
    reserve: new Script(reserveScript),
    settle: new Script(settleScript),
    renew: new Script(renewScript),
    takeBack: new Script(takeBackScript),
    standing: new Script(standingScript),
  };
  readonly #seeding = new Map<string, Promise<number>>();
  readonly #unknown = new Map<string, Reservation>();
  #takingBack = false;

  constructor(options: { link: RedisLink; accepted: AcceptedRecipients; clock: Clock; leaseMilliseconds?: number }) {
    this.#link = options.link;
    this.#accepted = options.accepted;
    this.#clock = options.clock;
    this.#leaseMilliseconds = options.leaseMilliseconds ?? 60_000;
  }

  async reserve(windows: readonly CounterWindow[], units: number): Promise<Reserved> {
    const wanted = { id: randomUUID(), windows, units };
    try {
      const [answer, detail, used] = await this.#call(this.#scripts.reserve, windows, [wanted]);
      if (answer === 'ok') return { ok: true, reservation: { ...wanted, marker: String(detail) } as RedisReservation };
      const exceeded = windows[Number(detail) - 1];
      if (exceeded === undefined) throw unexpected(answer);
      return { ok: false, exceeded, used: Number(used) };
    } catch (error) {
      if (unanswered(error)) this.#forget([wanted]);
      throw error;
    }
  }

  async settle(reservations: readonly Reservation[]): Promise<boolean> {
    if (reservations.length === 0) return true;
    try {
      const [answer] = await this.#call(this.#scripts.settle, windowsOf(reservations), reservations);
      return answer === 'ok';
    } catch (error) {
      if (unanswered(error)) this.#forget(reservations);
      throw error;
    }
  }

  refund(reservations: readonly Reservation[]): Promise<void> {
    return this.#takeBack(reservations, 's');
  }

  release(reservations: readonly Reservation[]): Promise<void> {
    return this.#takeBack(reservations, 'h');
  }

  async renew(reservations: readonly Reservation[]): Promise<void> {
    if (reservations.length > 0) await this.#call(this.#scripts.renew, windowsOf(reservations), reservations);
  }

  async used(window: CounterWindow): Promise<number> {
    const [standing] = await this.standing([window]);
    return standing === undefined ? 0 : standing.settled + standing.held;
  }

  async standing(windows: readonly CounterWindow[]): Promise<readonly WindowStanding[]> {
    if (windows.length === 0) return [];
    const [, ...values] = await this.#call(this.#scripts.standing, windows, []);
    return Promise.all(
      windows.map(async (_, index) => {
        const [vouched, settled, held] = values.slice(index * 3, index * 3 + 3).map(Number);
        const known = { settled: settled ?? 0, held: held ?? 0 };
        if (vouched === 1) return known;
        const [, accepted] = await this.#seed(windows, index);
        return { settled: Math.max(accepted, known.settled), held: known.held };
      }),
    );
  }

  async #takeBack(reservations: readonly Reservation[], take: States): Promise<void> {
    if (reservations.length === 0) return;
    try {
      await this.#call(this.#scripts.takeBack, windowsOf(reservations), reservations, { take });
    } catch (error) {
      // Whoever releases or refunds has no further use for it, whatever its state.
      if (unanswered(error)) this.#remember(reservations);
      throw error;
    }
  }

  /** No answer came, so it may be held or settled, and nobody will use it: taken back, now or when Redis answers. */
  #forget(reservations: readonly Reservation[]): void {
    this.#takeBack(reservations, 'hs').catch(() => undefined);
  }

  #remember(reservations: readonly Reservation[]): void {
    for (const reservation of reservations) {
      if (this.#unknown.size >= mostUnknown) return;
      this.#unknown.set(reservation.id, reservation);
    }
  }

  /** Redis answers: so it may for these, too. */
  async #takeBackUnknown(): Promise<void> {
    this.#takingBack = true;
    for (const [id, reservation] of [...this.#unknown]) {
      this.#unknown.delete(id);
      try {
        await this.#takeBack([reservation], 'hs');
      } catch {
        // It is remembered again, with the rest of them.
        break;
      }
    }
    this.#takingBack = false;
  }

  /** Calls until no window lacks its seed. */
  async #call(
    script: Script,
    windows: readonly CounterWindow[],
    reservations: readonly Reservation[],
    more: { take?: States } = {},
  ): Promise<unknown[]> {
    const account = accountOf(windows);
    const key = (name: string) => this.#link.key(`counters:{${account}}:${name}`);
    const names = windows.map(({ owner, window }) => `${owner}|${window}`);
    const keys = [key('marker'), key('holds'), key('leases'), ...names.map(key)];
    const seeds = new Map<number, number>();
    for (let tries = 0; tries < mostSeedings; tries += 1) {
      const now = this.#clock.now();
      const given = {
        now,
        lease: this.#leaseMilliseconds,
        kept: keptMilliseconds,
        windows: windows.map(({ limit, startsAt, endsAt }, index) => ({
          limit,
          starts: startsAt,
          age: now - startsAt,
          lives: Math.max(0, endsAt - now) + graceMilliseconds,
          seed: seeds.get(index),
        })),
        reservations: reservations.map((reservation) => ({
          id: reservation.id,
          units: reservation.units,
          windows: reservation.windows.map(({ owner, window }) => names.indexOf(`${owner}|${window}`) + 1),
          marker: markerOf(reservation),
        })),
        ...more,
      };
      const reply = await this.#run(script, keys, JSON.stringify(given));
      if (reply[0] !== 'seed') return reply;
      const places = reply.slice(1).map((place) => Number(place) - 1);
      for (const [index, units] of await Promise.all(places.map((index) => this.#seed(windows, index)))) {
        seeds.set(index, units);
      }
    }
    throw unavailable('Redis loses counters as fast as they are counted anew');
  }

  async #run(script: Script, keys: string[], argument: string): Promise<unknown[]> {
    try {
      const reply = await script.run(this.#link.commands, keys, argument);
      if (this.#unknown.size > 0 && !this.#takingBack) void this.#takeBackUnknown();
      return reply as unknown[];
    } catch (cause) {
      throw unavailable('Redis does not answer, so quotas cannot be counted', cause);
    }
  }

  /** What the database has in this window; asked once for all who wait for it. */
  async #seed(windows: readonly CounterWindow[], index: number): Promise<[number, number]> {
    const window = windows[index];
    if (window === undefined) throw unexpected(index);
    const { owner, startsAt, endsAt } = window;
    const name = `${owner}|${window.window}`;
    let asked = this.#seeding.get(name);
    if (asked === undefined) {
      asked = this.#accepted.accepted(owner, startsAt, endsAt).finally(() => this.#seeding.delete(name));
      this.#seeding.set(name, asked);
    }
    return [index, await asked];
  }
}

const unanswered = (error: unknown) => error instanceof SluiceError && error.code === 'REDIS_UNAVAILABLE';
const unavailable = (message: string, cause?: unknown) => new SluiceError('REDIS_UNAVAILABLE', message, { cause });
const unexpected = (answer: unknown) => new SluiceError('INTERNAL', `Redis answered a counter with ${String(answer)}`);

function accountOf(windows: readonly CounterWindow[]): string {
  const [first, ...others] = windows;
  if (first === undefined || others.some(({ account }) => account !== first.account)) {
    throw new SluiceError(
      'INTERNAL',
      'Windows that are counted together belong to one account, and there is one at least',
    );
  }
  return first.account;
}

/** Each window of these reservations once. */
function windowsOf(reservations: readonly Reservation[]): CounterWindow[] {
  const windows = new Map<string, CounterWindow>();
  for (const reservation of reservations) {
    for (const window of reservation.windows) windows.set(`${window.owner}|${window.window}`, window);
  }
  return [...windows.values()];
}
