export type Random = () => number;

/** Numbers from 0 to less than 1, the same for one seed on every machine: a Weyl sequence, its bits well stirred. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** A time between two events that come independently of each other, `mean` apart. */
export const exponential = (random: Random, mean: number): number => -Math.log(1 - random()) * mean;
