/** Log rows of refused transactions an address may bring forth in a minute; the rest is only counted. */
const rowsOfOne = 60;
/** Addresses told apart within a minute; beyond these all others share one budget, so that memory stays bounded. */
const mostAddresses = 10_000;
const minute = 60_000;

/** Keeps a flood of refusals from becoming a flood of log rows. */
export class RefusalBudget {
  readonly #taken = new Map<string, number>();
  #minute = 0;

  /** True where this refusal may have a row. `at` in milliseconds since the epoch. */
  take(address: string, at: number): boolean {
    const now = Math.floor(at / minute);
    if (now !== this.#minute) {
      this.#minute = now;
      this.#taken.clear();
    }
    const key = this.#taken.has(address) || this.#taken.size < mostAddresses ? address : '';
    const taken = (this.#taken.get(key) ?? 0) + 1;
    this.#taken.set(key, taken);
    return taken <= rowsOfOne;
  }
}
