import { expect, test } from 'vitest';
import { schedule } from './schedule.ts';

test('each kind happens in each round, in the same order, with a calm beginning and end', () => {
  const faults = schedule(['killed', 'frozen'], 3, 60_000);
  expect(faults.map(({ kind, round }) => `${kind} ${round}`)).toEqual(
    [0, 1, 2].flatMap((round) => [`killed ${round}`, `frozen ${round}`]),
  );
  expect(faults.map(({ at }) => at)).toEqual([3_000, 12_000, 21_000, 30_000, 39_000, 48_000]);
});
