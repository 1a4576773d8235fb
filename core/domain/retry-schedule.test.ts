import { expect, it } from 'vitest';
import { retryDelay } from './retry-schedule.ts';

const schedule = { first: 60_000, factor: 2, most: 3_600_000, jitter: 0.2 };

it('grows by its factor up to the most', () => {
  const delays = [1, 2, 3, 6, 7, 8, 5_000].map((attempts) => retryDelay(attempts, schedule, () => 0));
  expect(delays).toEqual([60_000, 120_000, 240_000, 1_920_000, 3_600_000, 3_600_000, 3_600_000]);
});

it('shortens by no more than the jitter', () => {
  expect(retryDelay(1, schedule, () => 0.5)).toBe(54_000);
  expect(retryDelay(1, schedule, () => 0.999_999)).toBe(48_000);
  expect(retryDelay(0, { ...schedule, jitter: 0 })).toBe(60_000);
});
