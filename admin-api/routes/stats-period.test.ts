import { expect, it } from 'vitest';
import { periodOf } from './stats-period.ts';

const at = (text: string): number => Date.parse(text);
const now = at('2026-11-22T14:30:00Z');
const edges = (asked: Partial<Parameters<typeof periodOf>[0]>) => {
  const { boundaries } = periodOf({ interval: 'day', time_zone: 'UTC', ...asked }, now);
  const text = (boundary: number | undefined) => new Date(boundary ?? 0).toISOString().slice(0, 16);
  return [text(boundaries[0]), text(boundaries.at(-1)), boundaries.length - 1];
};

it('takes the last seven days, today among them, or the last day by hours', () => {
  expect(edges({})).toEqual(['2026-11-15T00:00', '2026-11-23T00:00', 8]);
  expect(edges({ interval: 'hour' })).toEqual(['2026-11-21T14:00', '2026-11-22T15:00', 25]);
});

it('widens what was asked for to whole intervals', () => {
  const [from, until] = [at('2026-11-20T10:59:59Z'), at('2026-11-20T12:00:01Z')];
  expect(edges({ interval: 'hour', from, until })).toEqual(['2026-11-20T10:00', '2026-11-20T13:00', 3]);
  expect(edges({ from, until })).toEqual(['2026-11-20T00:00', '2026-11-21T00:00', 1]);
});

it('adds no interval to a span that ends where one does', () => {
  const [from, until] = [at('2026-11-20T00:00:00Z'), at('2026-11-22T00:00:00Z')];
  expect(edges({ from, until })).toEqual(['2026-11-20T00:00', '2026-11-22T00:00', 2]);
  expect(edges({ interval: 'hour', from, until })).toEqual(['2026-11-20T00:00', '2026-11-22T00:00', 48]);
});

it('answers a beginning that lies ahead by its own interval', () => {
  expect(edges({ from: at('2026-12-24T18:00:00Z') })).toEqual(['2026-12-24T00:00', '2026-12-25T00:00', 1]);
});

it('bounds the number of intervals', () => {
  const day = 86_400_000;
  expect(edges({ from: now - 400 * day })[2]).toBe(401);
  expect(() => edges({ from: now - 400 * day - 1 })).toThrow('at most 400 days');
  expect(edges({ interval: 'hour', from: now - 31 * day })[2]).toBe(745);
  expect(() => edges({ interval: 'hour', from: now - 31 * day - 1 })).toThrow('at most 31 days');
  expect(edges({ group_by: 'domain', from: now - 92 * day })[2]).toBe(93);
  expect(() => edges({ group_by: 'domain', from: now - 92 * day - 1 })).toThrow('at most 92 days by domain');
  expect(() => edges({ from: now, until: now })).toThrow('before `until`');
});
