import type { Logger } from '../../observability/log.ts';

/**
 * Brings rows of the database into memory, one load after another, so that an older answer never overwrites a newer
 * one. A load that fails is logged and leaves what was there.
 */
export class SerialLoader {
  readonly #log: Logger;
  readonly #what: string;
  #last: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** `what` names in the log what is loaded. */
  constructor(log: Logger, what: string) {
    this.#log = log;
    this.#what = what;
  }

  /** Resolves when this load has ended, well or not. */
  load(job: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(async () => {
      if (this.#closed) return;
      try {
        await job();
      } catch (error) {
        this.#log.error({ err: error }, `${this.#what} could not be read; what was read before stays in force`);
      }
    });
    return this.#last;
  }

  /** Loads again and again: `milliseconds` after the last one, or ten times as long as that one took if that is more. */
  poll(job: () => Promise<void>, milliseconds: number): void {
    const again = (wait: number): void => {
      if (this.#closed) return;
      this.#timer = setTimeout(async () => {
        const startedAt = performance.now();
        await this.load(job);
        again(Math.max(milliseconds, 10 * (performance.now() - startedAt)));
      }, wait);
      this.#timer.unref();
    };
    again(milliseconds);
  }

  /** Resolves when every load asked for so far has ended. */
  idle(): Promise<void> {
    return this.#last;
  }

  /** No load starts any more; resolves when the running one has ended. */
  close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    return this.#last;
  }
}
