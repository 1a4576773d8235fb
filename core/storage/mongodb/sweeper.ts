import { RepeatedSweep } from '../rules/repeated-sweep.ts';

/** One kind of work that is done again and again: it does up to `limit` and answers how much that was. */
export type Sweep = (limit: number) => Promise<number>;

/** Documents deleted or moved at a time, so that no write of mail waits long behind it. */
export const sweepBatch = 500;

/** Any number of processes may sweep at once: each piece of work is conditional, so that one of them does it. */
export class Sweeper extends RepeatedSweep {
  readonly #sweeps: readonly Sweep[];

  constructor(sweeps: readonly Sweep[]) {
    super();
    this.#sweeps = sweeps;
  }

  protected async work(): Promise<void> {
    for (const sweep of this.#sweeps) {
      let more = true;
      while (more && !this.stopped) more = (await sweep(sweepBatch)) >= sweepBatch;
    }
  }
}
