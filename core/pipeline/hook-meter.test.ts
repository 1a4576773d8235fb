import { expect, test } from 'vitest';
import { durationBounds, HookMeters } from './hook-meter.ts';

test('counts calls by verdict and duration, bounds included', () => {
  const meters = new HookMeters();
  const meter = meters.of('rcptTo', 'team-quota', 'quota');
  for (const micros of [0, 50, 51, 100, 20_000_000]) meter.observe('continue', micros);
  meter.observe('defer', 100);
  const [numbers, ...others] = meters.numbers();
  expect(others).toEqual([]);
  expect(numbers).toMatchObject({
    hook: 'rcptTo',
    plugin: 'team-quota',
    name: 'quota',
    verdicts: { continue: 5, defer: 1 },
    calls: 6,
    micros: 20_000_301,
  });
  expect(numbers?.durations).toHaveLength(durationBounds.length + 1);
  expect(numbers?.durations.slice(0, 3)).toEqual([2, 3, 0]);
  expect(numbers?.durations.at(-1)).toBe(1);
});

test('one plugin in one hook has one meter, whoever asks for it', () => {
  const meters = new HookMeters();
  expect(meters.of('connect', 'a', 'x')).toBe(meters.of('connect', 'a', 'x'));
  meters.of('connect', 'b', 'x').observe('reject', 1);
  meters.of('mailFrom', 'a', 'x').observe('continue', 1);
  expect(meters.numbers().map(({ hook, plugin, calls }) => [hook, plugin, calls])).toEqual([
    ['connect', 'a', 0],
    ['connect', 'b', 1],
    ['mailFrom', 'a', 1],
  ]);
});
