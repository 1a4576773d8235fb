import type { Clock } from '../../core/domain/clock.ts';
import type { Logger } from '../../core/observability/log.ts';
import type { UpstreamBoard, UpstreamHealth } from '../../core/pipeline/upstream-board.ts';

/** Tells the board how one upstream stands, and the log when it goes away and comes back: only what has changed. */
export class HealthReport {
  readonly #board: UpstreamBoard;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** The log says it is away. */
  #away = false;
  #last: UpstreamHealth;

  constructor(
    name: string,
    target: string,
    { board, clock, log }: { board: UpstreamBoard; clock: Clock; log: Logger },
  ) {
    this.#board = board;
    this.#clock = clock;
    this.#log = log;
    // Not told before it is known: an instance that is only built to see whether it can be has no state.
    this.#last = { name, target, state: 'unknown', since: null, lastError: null };
  }

  /** `error` on one line, where there is a new one; the last one stays to be read after a recovery. */
  is(state: 'up' | 'down' | 'probing', error: string | null = null): void {
    const last = this.#last;
    if (state === last.state && (error === null || error === last.lastError)) return;
    const since = state === last.state ? last.since : this.#clock.now();
    this.#last = { ...last, state, since, lastError: error ?? last.lastError };
    this.#board.report(this.#last);
    const { lastError, target } = this.#last;
    if (state === 'down' && !this.#away) {
      this.#away = true;
      this.#log.warn({ target, error: lastError }, 'the upstream takes no mail at the moment; it waits');
    } else if (state === 'up' && this.#away) {
      this.#away = false;
      this.#log.info({ target }, 'the upstream takes our mail again');
    }
  }
}
