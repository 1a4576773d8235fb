/** Writes that nobody waits for, but the end of the process. */
export class BackgroundWrites {
  readonly #open = new Set<Promise<unknown>>();

  /** A write that fails is let go. */
  add(write: Promise<unknown>): void {
    const settled = write.catch(() => undefined).finally(() => this.#open.delete(settled));
    this.#open.add(settled);
  }

  async done(): Promise<void> {
    await Promise.all(this.#open);
  }
}
