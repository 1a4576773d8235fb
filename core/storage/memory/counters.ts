import type { Clock } from '../../domain/clock.ts';
import type {
  CounterReader,
  Counters,
  CounterTotal,
  CounterWindow,
  Reservation,
  Reserved,
  WindowStanding,
} from '../ports/counters.ts';

/** What is settled and what is held in one window of one owner. */
interface WindowState {
  readonly owner: string;
  readonly window: string;
  endsAt: number;
  settled: number;
  held: number;
}

interface Hold {
  readonly states: readonly WindowState[];
  readonly units: number;
  expiresAt: number;
}

/** A window is kept this long after its end, for reservations that are settled late. */
const graceMilliseconds = 60 * 60_000;
const sweepMilliseconds = 60_000;

/**
 * Counters of a single process: every call is one synchronous step, and so exact. The settled totals are the truth only
 * together with the database: `load` brings them in at the start, `drain` hands what changed to each group commit.
 */
export class MemoryCounters implements Counters, CounterReader {
  readonly #clock: Clock;
  readonly #leaseMilliseconds: number;
  readonly #states = new Map<string, WindowState>();
  /** By reservation id, the first to expire first. */
  readonly #holds = new Map<string, Hold>();
  /** Reservations that are settled and not refunded; no entry outlives its reservation. */
  readonly #settled = new WeakSet<Reservation>();
  readonly #changed = new Set<WindowState>();
  #lastId = 0;
  #sweptAt: number;

  constructor(options: { clock: Clock; leaseMilliseconds?: number }) {
    this.#clock = options.clock;
    this.#leaseMilliseconds = options.leaseMilliseconds ?? 60_000;
    this.#sweptAt = options.clock.now();
  }

  /** Sets the settled totals as the database has them; called once, before the first reservation. */
  load(totals: readonly CounterTotal[]): void {
    for (const total of totals) {
      const state = this.#state(total);
      state.settled = total.units;
    }
  }

  /** Totals that changed since the last call; they are written in the group commit that is about to start. */
  drain(): CounterTotal[] {
    const totals: CounterTotal[] = [];
    for (const { owner, window, settled, endsAt } of this.#changed) {
      totals.push({ owner, window, units: settled, endsAt });
    }
    this.#changed.clear();
    return totals;
  }

  reserve(windows: readonly CounterWindow[], units: number): Reserved {
    const now = this.#clock.now();
    this.#expire(now);
    this.#sweep(now);
    const full = this.#full(windows, units);
    if (full !== null) return { ok: false, exceeded: full, used: this.#usedIn(full) };
    this.#lastId += 1;
    const reservation = { id: `r${this.#lastId}`, windows, units };
    this.#hold(reservation, now);
    return { ok: true, reservation };
  }

  settle(reservations: readonly Reservation[]): boolean {
    const now = this.#clock.now();
    this.#expire(now);
    const renewed: Reservation[] = [];
    for (const reservation of reservations) {
      if (this.#settled.has(reservation) || this.#holds.has(reservation.id)) continue;
      if (this.#full(reservation.windows, reservation.units) !== null) {
        this.release(renewed);
        return false;
      }
      this.#hold(reservation, now);
      renewed.push(reservation);
    }
    for (const reservation of reservations) {
      const states = this.#letGo(reservation.id);
      if (states === undefined) continue;
      for (const state of states) {
        state.settled += reservation.units;
        this.#changed.add(state);
      }
      this.#settled.add(reservation);
    }
    return true;
  }

  refund(reservations: readonly Reservation[]): void {
    for (const reservation of reservations) {
      if (!this.#settled.delete(reservation)) continue;
      for (const window of reservation.windows) {
        const state = this.#state(window);
        state.settled = Math.max(0, state.settled - reservation.units);
        this.#changed.add(state);
      }
    }
  }

  renew(reservations: readonly Reservation[]): void {
    const now = this.#clock.now();
    this.#expire(now);
    for (const { id } of reservations) {
      const hold = this.#holds.get(id);
      if (hold === undefined) continue;
      hold.expiresAt = now + this.#leaseMilliseconds;
      // To the end of the line, so that the map stays in the order of expiry.
      this.#holds.delete(id);
      this.#holds.set(id, hold);
    }
  }

  release(reservations: readonly Reservation[]): void {
    for (const { id } of reservations) this.#letGo(id);
  }

  used(window: CounterWindow): number {
    this.#expire(this.#clock.now());
    return this.#usedIn(window);
  }

  standing(windows: readonly CounterWindow[]): readonly WindowStanding[] {
    this.#expire(this.#clock.now());
    return windows.map((window) => {
      const { settled = 0, held = 0 } = this.#states.get(keyOf(window)) ?? {};
      return { settled, held };
    });
  }

  #usedIn(window: CounterWindow): number {
    const state = this.#states.get(keyOf(window));
    return state === undefined ? 0 : state.settled + state.held;
  }

  #state(window: { owner: string; window: string; endsAt: number }): WindowState {
    const key = keyOf(window);
    let state = this.#states.get(key);
    if (state === undefined) {
      state = { owner: window.owner, window: window.window, endsAt: window.endsAt, settled: 0, held: 0 };
      this.#states.set(key, state);
    }
    return state;
  }

  /** The first of these windows that has no room for so many more units. */
  #full(windows: readonly CounterWindow[], units: number): CounterWindow | null {
    for (const window of windows) if (this.#usedIn(window) + units > window.limit) return window;
    return null;
  }

  #hold(reservation: Reservation, now: number): void {
    const states = reservation.windows.map((window) => this.#state(window));
    for (const state of states) state.held += reservation.units;
    this.#holds.set(reservation.id, { states, units: reservation.units, expiresAt: now + this.#leaseMilliseconds });
  }

  #letGo(id: string): readonly WindowState[] | undefined {
    const hold = this.#holds.get(id);
    if (hold === undefined) return undefined;
    for (const state of hold.states) state.held -= hold.units;
    this.#holds.delete(id);
    return hold.states;
  }

  #expire(now: number): void {
    for (const [id, hold] of this.#holds) {
      if (hold.expiresAt > now) return;
      this.#letGo(id);
    }
  }

  /** Drops windows that are over; the database drops its own. */
  #sweep(now: number): void {
    if (Math.abs(now - this.#sweptAt) < sweepMilliseconds) return;
    this.#sweptAt = now;
    for (const [key, state] of this.#states) {
      if (state.held === 0 && state.endsAt + graceMilliseconds < now) this.#states.delete(key);
    }
  }
}

const keyOf = (window: { owner: string; window: string }): string => `${window.owner}|${window.window}`;
