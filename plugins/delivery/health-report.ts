import type { Clock } from '../../core/domain/clock.ts';
import type { UpstreamBoard, UpstreamHealth } from '../../core/pipeline/upstream-board.ts';

/** Tells the board how one upstream stands, and only when that has changed. */
export class HealthReport {
  readonly #board: UpstreamBoard;
  readonly #clock: Clock;
  #last: UpstreamHealth;

  constructor(name: string, target: string, board: UpstreamBoard, clock: Clock) {
    this.#board = board;
    this.#clock = clock;
    this.#last = { name, target, state: 'unknown', since: null, lastError: null };
    board.report(this.#last);
  }

  /** `error` on one line, where there is a new one; the last one stays to be read after a recovery. */
  is(state: 'up' | 'down' | 'probing', error: string | null = null): void {
    const last = this.#last;
    if (state === last.state && (error === null || error === last.lastError)) return;
    const since = state === last.state ? last.since : this.#clock.now();
    this.#last = { ...last, state, since, lastError: error ?? last.lastError };
    this.#board.report(this.#last);
  }
}
