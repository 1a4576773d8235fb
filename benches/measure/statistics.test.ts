import { expect, it } from 'vitest';
import { quantile, spread } from './statistics.ts';

it('gives median and range of odd and even numbers of rounds', () => {
  expect(spread([3, 1, 2])).toEqual({ median: 2, low: 1, high: 3 });
  expect(spread([4, 1])).toEqual({ median: 2.5, low: 1, high: 4 });
});

it('gives quantiles', () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(quantile(values, 0.99)).toBe(100);
  expect(quantile(values, 0.5)).toBe(51);
});
