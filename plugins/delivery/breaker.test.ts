import { expect, test } from 'vitest';
import { ManualClock } from '../../tests/support/manual-clock.ts';
import { Breaker } from './breaker.ts';

const settings = { failures: 3, probe: 60_000, hold: 300_000 };
const opened = (clock: ManualClock): Breaker => {
  const breaker = new Breaker(settings, clock, () => 0);
  for (let n = 0; n < settings.failures; n++) breaker.failed(false);
  return breaker;
};

test('stays closed until so many connections failed in a row', () => {
  const breaker = new Breaker(settings, new ManualClock(0), () => 0);
  breaker.failed(false);
  breaker.failed(false);
  breaker.succeeded();
  breaker.failed(false);
  breaker.failed(false);
  expect(breaker.isOpen).toBe(false);
  expect(breaker.pass()).toEqual({ pass: true });
  breaker.failed(false);
  expect(breaker.isOpen).toBe(true);
});

test('opens at once where our own settings are at fault', () => {
  const breaker = new Breaker(settings, new ManualClock(0));
  breaker.failed(true);
  expect(breaker.isOpen).toBe(true);
});

test('lets one message probe, and tells all others to come back later', () => {
  const clock = new ManualClock(0);
  const breaker = opened(clock);
  expect(breaker.pass()).toEqual({ pass: false, until: 300_000 });
  clock.advance(1_000);
  expect(breaker.pass()).toEqual({ pass: true });
  expect(breaker.isProbing).toBe(true);
  for (let n = 0; n < 100; n++) expect(breaker.pass().pass).toBe(false);
  breaker.succeeded();
  expect(breaker.pass()).toEqual({ pass: true });
});

test('waits longer after each probe that failed, up to the bound, and the failed one is the next to try', () => {
  const clock = new ManualClock(0);
  const breaker = opened(clock);
  clock.advance(1_000);
  const waits: number[] = [];
  for (let n = 0; n < 8; n++) {
    expect(breaker.pass()).toEqual({ pass: true });
    const until = breaker.failed(false);
    waits.push(until - clock.now());
    clock.set(until);
  }
  expect(waits).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});

test('connections that fail together count as one', () => {
  const clock = new ManualClock(0);
  const breaker = opened(clock);
  for (let n = 0; n < 20; n++) breaker.failed(false);
  clock.advance(1_000);
  expect(breaker.pass()).toEqual({ pass: true });
});

test('a probe whose message was taken away leaves room for another', () => {
  const clock = new ManualClock(0);
  const breaker = opened(clock);
  clock.advance(1_000);
  breaker.pass();
  breaker.undecided();
  expect(breaker.pass()).toEqual({ pass: true });
});

test('jitter spreads what is held back over half the time', () => {
  const clock = new ManualClock(0);
  let x = 0;
  const breaker = new Breaker(settings, clock, () => x);
  for (let n = 0; n < settings.failures; n++) breaker.failed(false);
  const times = Array.from({ length: 11 }, (_, n) => {
    x = n / 10;
    const passage = breaker.pass();
    return passage.pass ? 0 : passage.until;
  });
  expect(Math.min(...times)).toBe(150_000);
  expect(Math.max(...times)).toBe(300_000);
});
