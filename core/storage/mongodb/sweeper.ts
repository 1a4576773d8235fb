/** One kind of work that is done again and again: it does up to `limit` and answers how much that was. */
export type Sweep = (limit: number) => Promise<number>;

/** Documents deleted or moved at a time, so that no write of mail waits long behind it. */
export const sweepBatch = 500;

/**
 * Does what nobody waits for. Any number of processes may sweep at once: each piece of work is conditional, so that one
 * of them does it.
 */
export class Sweeper {
  readonly #sweeps: readonly Sweep[];
  #running: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(sweeps: readonly Sweep[]) {
    this.#sweeps = sweeps;
  }

  /** Sweeps every `milliseconds`; `failed` is told of errors, the next sweep tries again. */
  start(milliseconds: number, failed: (error: unknown) => void): void {
    this.#timer = setInterval(() => this.sweep().catch(failed), milliseconds).unref();
  }

  /** One whole sweep; a second one asked for meanwhile is the same. */
  sweep(): Promise<void> {
    this.#running ??= this.#sweep().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#running?.catch(() => {});
  }

  async #sweep(): Promise<void> {
    for (const sweep of this.#sweeps) {
      let more = true;
      while (more && !this.#stopped) more = (await sweep(sweepBatch)) >= sweepBatch;
    }
  }
}
