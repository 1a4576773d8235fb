/** What a session waits for: a command, a message, or one of our own hooks. */
export type Waiting = 'command' | 'data' | 'hook';
/** What has passed. `age`: the session may end as soon as no transaction is open; `end`: it ends now. */
export type Expired = Waiting | 'age' | 'end';

export interface DeadlineLimits {
  readonly command_timeout: number;
  readonly data_timeout: number;
  readonly session_age: number;
  readonly session_timeout: number;
}

/** A hook has a deadline of its own, kept by the pipeline; this is for the case that even that fails. */
const hookMilliseconds = 10 * 60_000;
const farthest = 2 ** 31 - 1;

/**
 * The absolute deadlines of one session; no byte received moves them. One timer, set anew only when it fires too
 * early, so that a command costs an assignment. Time is monotonic: a changed clock ends no session.
 */
export class Deadlines {
  readonly #limits: DeadlineLimits;
  readonly #onExpired: (expired: Expired) => void;
  readonly #ageAt: number;
  readonly #endAt: number;
  #waiting: Waiting = 'command';
  #dueAt: number;
  #ageTold = false;
  #timer: NodeJS.Timeout | null = null;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(limits: DeadlineLimits, onExpired: (expired: Expired) => void) {
    const now = performance.now();
    this.#limits = limits;
    this.#onExpired = onExpired;
    this.#ageAt = now + limits.session_age;
    this.#endAt = now + limits.session_timeout;
    this.#dueAt = now + limits.command_timeout;
    this.#arm(now);
  }

  /** From now on this is waited for; whatever was before has come in time. */
  wait(waiting: Waiting): void {
    const now = performance.now();
    this.#waiting = waiting;
    const { command_timeout, data_timeout } = this.#limits;
    this.#dueAt =
      now + (waiting === 'command' ? command_timeout : waiting === 'data' ? data_timeout : hookMilliseconds);
    if (this.#dueAt < this.#timerAt) this.#arm(now);
  }

  /** True once the session has become old. */
  get aged(): boolean {
    return performance.now() >= this.#ageAt;
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timerAt = Number.NEGATIVE_INFINITY;
  }

  #arm(now: number): void {
    if (this.#timerAt === Number.NEGATIVE_INFINITY) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const at = Math.min(this.#dueAt, this.#endAt, this.#ageTold ? this.#endAt : this.#ageAt);
    this.#timerAt = at;
    this.#timer = setTimeout(this.#fire, Math.min(Math.max(at - now, 0) + 1, farthest));
    this.#timer.unref();
  }

  #fire = (): void => {
    this.#timer = null;
    const now = performance.now();
    if (now >= this.#endAt) this.#onExpired('end');
    else if (now >= this.#dueAt) this.#onExpired(this.#waiting);
    else if (now >= this.#ageAt && !this.#ageTold) {
      this.#ageTold = true;
      this.#onExpired('age');
    }
    if (this.#timerAt === Number.NEGATIVE_INFINITY) return;
    this.#timerAt = Number.POSITIVE_INFINITY;
    this.#arm(now);
  };
}
