/**
 * One at a time for each key, in the order of asking; others wait. What waits is bounded by whoever asks: a client
 * address has only so many connections.
 */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** Resolves when it is this one's turn; the answer ends it, once. */
  async take(key: string): Promise<() => void> {
    const before = this.#last.get(key);
    const ended = Promise.withResolvers<void>();
    this.#last.set(key, ended.promise);
    await before;
    return () => {
      if (this.#last.get(key) === ended.promise) this.#last.delete(key);
      ended.resolve();
    };
  }
}
