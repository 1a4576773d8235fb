import type { Clock } from '../../domain/clock.ts';

/** A clock that stands still until it is moved; milliseconds since the epoch. */
export class FakeClock implements Clock {
  #now: number;

  constructor(now: number = Date.UTC(2026, 10, 22, 12)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  set(now: number): void {
    this.#now = now;
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds;
  }
}
