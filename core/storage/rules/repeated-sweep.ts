/** Work that nobody waits for, done again and again, a piece at a time. */
export abstract class RepeatedSweep {
  #running: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** Begins no further piece once it is `stopped`. */
  protected abstract work(): Promise<void>;

  protected get stopped(): boolean {
    return this.#stopped;
  }

  /** Sweeps every `milliseconds`; `failed` is told of errors (a full disk, for one), the next sweep tries again. */
  start(milliseconds: number, failed: (error: unknown) => void): void {
    this.#timer = setInterval(() => this.sweep().catch(failed), milliseconds).unref();
  }

  /** One whole sweep; a second one asked for meanwhile is the same. */
  sweep(): Promise<void> {
    this.#running ??= this.work().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#running?.catch(() => {});
  }
}
