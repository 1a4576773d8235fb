/** A fault and the millisecond, from the start of the load, before which it does not happen. */
export interface Appointment<K> {
  readonly kind: K;
  readonly round: number;
  readonly at: number;
}

/** A twentieth of the time before the first fault, and as much after the last, shows how it runs without any. */
const calm = 1 / 20;

/** All kinds in each of `rounds`, one after the other, evenly over `length` milliseconds. */
export function schedule<K>(kinds: readonly K[], rounds: number, length: number): Appointment<K>[] {
  const slot = (length * (1 - 2 * calm)) / (kinds.length * rounds);
  return Array.from({ length: rounds }, (_, round) =>
    kinds.map((kind, n) => ({ kind, round, at: length * calm + slot * (round * kinds.length + n) })),
  ).flat();
}
