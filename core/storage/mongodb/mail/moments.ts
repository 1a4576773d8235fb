import type { ServerClock } from './server-clock.ts';

/** What a change of a record has to know of the time. */
export interface Moment {
  /** Milliseconds since the epoch by the clock of this process, as due times are. */
  readonly now: number;
  /** Day since the epoch (UTC), by the clock of the database: all processes close the same days. */
  readonly today: number;
  /** Until when a body captured now is kept, by the same clock. */
  readonly capturedUntil: number;
}

export class Moments {
  readonly #clock: ServerClock;
  readonly #captured: number;
  /** Last closed day of the conservation sum: a clock that steps back must not add to it. */
  closedDay = -1;

  /** `captured`: how long bodies of captured mail are kept, in milliseconds. */
  constructor(clock: ServerClock, captured: number) {
    this.#clock = clock;
    this.#captured = captured;
  }

  current(): Moment {
    return {
      now: Date.now(),
      today: Math.max(this.#clock.today(), this.closedDay + 1),
      capturedUntil: this.#clock.now() + this.#captured,
    };
  }
}
