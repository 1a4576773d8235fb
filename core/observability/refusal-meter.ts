import type { Reply } from '../domain/reply.ts';

/** How often one reply of refusal was given; plain, so that it can be asked for from anywhere. */
export interface RefusalNumbers {
  readonly code: number;
  /** `5.7.1`; null where the reply has none. */
  readonly enhanced: string | null;
  readonly count: number;
}

/** Counts the refusals of core itself, by their codes: those of plugins are counted with their hooks. */
export class RefusalMeter {
  readonly #counts = new Map<string, RefusalNumbers>();

  observe({ code, enhanced }: Reply): void {
    const key = `${code} ${enhanced}`;
    this.#counts.set(key, { code, enhanced, count: (this.#counts.get(key)?.count ?? 0) + 1 });
  }

  numbers(): RefusalNumbers[] {
    return [...this.#counts.values()];
  }
}
