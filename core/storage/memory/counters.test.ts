import { expect, it } from 'vitest';
import { ManualClock } from '../../../tests/support/manual-clock.ts';
import type { CounterWindow } from '../ports/counters.ts';
import { MemoryCounters } from './counters.ts';

const hour: CounterWindow = {
  account: 'u',
  owner: 'credential:c',
  window: 'hour:2026-11-22T14Z',
  limit: 10,
  startsAt: Date.parse('2026-11-22T14:00:00Z'),
  endsAt: Date.parse('2026-11-22T15:00:00Z'),
};

const create = () => {
  const clock = new ManualClock();
  return { clock, counters: new MemoryCounters({ clock }) };
};

const take = (counters: MemoryCounters, units: number, window = hour) => {
  const reserved = counters.reserve([window], units);
  if (!reserved.ok) throw new Error('full');
  return reserved.reservation;
};

it('hands each changed total to the next commit once, settled units only', () => {
  const { counters } = create();
  const [first] = [take(counters, 3), take(counters, 2)];
  expect(counters.drain()).toEqual([]);
  counters.settle([first]);
  const { owner, window, endsAt } = hour;
  expect(counters.drain()).toEqual([{ owner, window, endsAt, units: 3 }]);
  expect(counters.drain()).toEqual([]);
  counters.refund([first]);
  expect(counters.drain()).toEqual([{ owner, window, endsAt, units: 0 }]);
});

it('goes on counting from the totals of the database', () => {
  const { counters } = create();
  counters.load([{ owner: hour.owner, window: hour.window, units: 9, endsAt: hour.endsAt }]);
  expect(counters.reserve([hour], 2)).toMatchObject({ ok: false, used: 9 });
  take(counters, 1);
  expect(counters.drain()).toEqual([]);
});

it('forgets windows that are long over', () => {
  const { clock, counters } = create();
  const settled = take(counters, 4);
  counters.settle([settled]);
  clock.set('2026-11-22T17:00:00Z');
  take(counters, 1, { ...hour, window: 'hour:2026-11-22T17Z', endsAt: Date.parse('2026-11-22T18:00:00Z') });
  expect(counters.used(hour)).toBe(0);
});

it('still counts a transaction in the hour in which it was reserved', () => {
  const { clock, counters } = create();
  const late = take(counters, 2);
  clock.set('2026-11-22T15:00:30Z');
  expect(counters.settle([late])).toBe(true);
  expect(counters.used(hour)).toBe(2);
});
