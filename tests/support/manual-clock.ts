import type { Clock } from '../../core/domain/clock.ts';

/** A clock that stands until a test moves it. */
export class ManualClock implements Clock {
  #now: number;

  /** `start` as text is an ISO date, such as `2026-11-22T14:30:00Z`. */
  constructor(start: number | string = '2026-11-22T14:30:00Z') {
    this.#now = typeof start === 'string' ? Date.parse(start) : start;
  }

  now(): number {
    return this.#now;
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds;
  }

  set(moment: number | string): void {
    this.#now = typeof moment === 'string' ? Date.parse(moment) : moment;
  }
}
