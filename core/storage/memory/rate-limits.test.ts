import { expect, it } from 'vitest';
import { ManualClock } from '../../../tests/support/manual-clock.ts';
import { MemoryRateLimits } from './rate-limits.ts';

it('holds no more keys than it may: finished windows go first, then the oldest', () => {
  const clock = new ManualClock();
  const limits = new MemoryRateLimits({ clock, mostKeys: 100 });
  limits.consume('lasting', 1, 60_000);
  for (let i = 0; i < 99; i += 1) limits.consume(`short-${i}`, 1, 1_000);
  clock.advance(2_000);
  for (let i = 0; i < 50; i += 1) limits.consume(`new-${i}`, 1, 60_000);
  expect(limits.consume('lasting', 1, 60_000).allowed).toBe(false);
  for (let i = 0; i < 10_000; i += 1) limits.consume(`flood-${i}`, 1, 60_000);
  expect(limits.size).toBe(100);
});

it('ends a window even when the clock is set back', () => {
  const clock = new ManualClock('2026-11-22T14:30:00Z');
  const limits = new MemoryRateLimits({ clock });
  limits.consume('key', 1, 60_000);
  clock.set('2026-11-22T04:30:00Z');
  expect(limits.consume('key', 1, 60_000).allowed).toBe(true);
});
