import type { HealthSource } from './health.ts';

/** Whether work can be done here. */
export interface Readiness {
  readonly store: 'up' | 'down';
  /** Why not; null where it can. */
  readonly reason: string | null;
  /** Where several processes of a machine answer as one. */
  readonly processes?: { readonly wanted: number; readonly running: number };
}

/** `ailment`: why this process cannot do its work although its store answers; null or absent while it can. */
export const readinessOf =
  (health: HealthSource, ailment: () => string | null = () => null) =>
  async (): Promise<Readiness> => {
    const { store } = await health.report();
    return { store, reason: store === 'down' ? 'the store does not answer' : ailment() };
  };
