type Close = () => void | Promise<void>;

/** Closes what was started: the last stage first, the parts of a stage side by side, each once, whatever the others do. */
export class Closing {
  readonly #stages: { readonly name: string; readonly close: Close }[][] = [];
  #closed: Promise<void> | null = null;

  /** Begins a stage of its own, closed before everything that was added so far. */
  add(name: string, close: Close): void {
    this.#stages.push([{ name, close }]);
  }

  /** Closed together with what was added last. */
  alongside(name: string, close: Close): void {
    const last = this.#stages.at(-1);
    if (last === undefined) this.add(name, close);
    else last.push({ name, close });
  }

  /** Idempotent. Throws an AggregateError of everything that failed, after all parts had their turn. */
  close(): Promise<void> {
    this.#closed ??= this.#run();
    return this.#closed;
  }

  async #run(): Promise<void> {
    const errors: Error[] = [];
    for (const stage of this.#stages.toReversed()) {
      await Promise.all(
        stage.map(async ({ name, close }) => {
          try {
            await close();
          } catch (cause) {
            errors.push(new Error(`${name} did not close in order`, { cause }));
          }
        }),
      );
    }
    if (errors.length > 0) throw new AggregateError(errors, errors.map((error) => error.message).join('; '));
  }
}
