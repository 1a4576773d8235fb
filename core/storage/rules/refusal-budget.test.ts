import { expect, it } from 'vitest';
import { RefusalBudget } from './refusal-budget.ts';

it('gives each address 60 rows a minute', () => {
  const budget = new RefusalBudget();
  const taken = (address: string, at: number): number =>
    Array.from({ length: 100 }, () => budget.take(address, at)).filter(Boolean).length;
  expect(taken('192.0.2.1', 0)).toBe(60);
  expect(taken('192.0.2.2', 59_999)).toBe(60);
  expect(taken('192.0.2.1', 59_999)).toBe(0);
  expect(taken('192.0.2.1', 60_000)).toBe(60);
});

it('lets addresses beyond the first 10,000 of a minute share one budget', () => {
  const budget = new RefusalBudget();
  for (let n = 0; n < 10_000; n += 1) budget.take(`2001:db8::${n.toString(16)}`, 0);
  const later = Array.from({ length: 500 }, (_, n) => budget.take(`192.0.2.${n}`, 0)).filter(Boolean);
  expect(later).toHaveLength(60);
  expect(budget.take('2001:db8::1', 0)).toBe(true);
});
