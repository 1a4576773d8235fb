import { SluiceError } from '../domain/errors.ts';

/**
 * Runs costly jobs, at most `concurrency` at once, with at most `waiting` more in line. Whoever comes beyond that is
 * turned away at once with `LOGIN_BUSY`: a flood waits at the door instead of burning the processor and the memory.
 */
export class WorkPool {
  readonly #concurrency: number;
  readonly #waiting: number;
  readonly #line: (() => void)[] = [];
  #running = 0;

  constructor(options: { concurrency: number; waiting: number }) {
    this.#concurrency = options.concurrency;
    this.#waiting = options.waiting;
  }

  async run<T>(job: () => Promise<T>): Promise<T> {
    if (this.#running < this.#concurrency) this.#running += 1;
    else await this.#stand();
    try {
      return await job();
    } finally {
      const next = this.#line.shift();
      // The place is handed on rather than given up, so that nobody can slip in between.
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  #stand(): Promise<void> {
    if (this.#line.length >= this.#waiting) {
      throw new SluiceError('LOGIN_BUSY', 'Too many logins are being checked; try again in a few seconds');
    }
    return new Promise((resolve) => this.#line.push(resolve));
  }
}
