import { expect, test } from 'vitest';
import { retryDelay } from './retry-delay.ts';

const retry = { first: 5_000, most: 7_200_000 };

test('waits longer each time, up to the most', () => {
  const delays = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1_000].map((failures) => retryDelay(failures, retry, () => 0.5));
  expect(delays).toEqual([
    5_000, 15_000, 45_000, 135_000, 405_000, 1_215_000, 3_645_000, 7_200_000, 7_200_000, 7_200_000,
  ]);
});

test('is spread by a fifth', () => {
  expect(retryDelay(1, retry, () => 0)).toBe(4_000);
  expect(retryDelay(1, retry, () => 1)).toBe(6_000);
});
