import { expect, test } from 'vitest';
import { duration, octets } from './units.ts';

test.each([
  ['0ms', 0],
  ['250ms', 250],
  ['45s', 45_000],
  ['1.5m', 90_000],
  ['1 h', 3_600_000],
  ['5d', 432_000_000],
])('the span %s is %d ms', (text, milliseconds) => {
  expect(duration().parse(text)).toBe(milliseconds);
});

test.each([
  ['1B', 1],
  ['256KB', 262_144],
  ['25MB', 26_214_400],
  ['0.5GB', 536_870_912],
])('the size %s is %d octets', (text, count) => {
  expect(octets().parse(text)).toBe(count);
});

test.each(['', '5', '-1s', '1 week', '1S', '1e3s', '1s ', 'Infinitys', '.5s'])('%j is no span of time', (text) => {
  expect(duration().safeParse(text).error?.issues[0]?.message).toBe(
    'expected a span of time such as 45s (ms, s, m, h, d)',
  );
});

test.each(['5', '1kb', '1TB', '-1MB'])('%j is no size', (text) => {
  expect(octets().safeParse(text).success).toBe(false);
});
