import { expect, it } from 'vitest';
import { isTimeZone, wholeHourDays } from './time-zone.ts';

const at = (text: string): number => Date.parse(text);
const days = (timeZone: string, from: string, until: string): string[] | undefined =>
  wholeHourDays(timeZone, at(from), at(until))?.map((boundary) => new Date(boundary).toISOString().slice(0, 16));

it.each([
  ['UTC', true],
  ['Europe/Zurich', true],
  ['+02:00', true],
  ['Mars/Olympus', false],
  ['', false],
])('knows whether %j is a time zone', (name, known) => {
  expect(isTimeZone(name)).toBe(known);
});

it('covers a span with whole days', () => {
  expect(days('UTC', '2026-11-20T00:00:00Z', '2026-11-22T00:00:00Z')).toEqual([
    '2026-11-20T00:00',
    '2026-11-21T00:00',
    '2026-11-22T00:00',
  ]);
  expect(days('UTC', '2026-11-20T23:59:59.999Z', '2026-11-21T00:00:00.001Z')).toEqual([
    '2026-11-20T00:00',
    '2026-11-21T00:00',
    '2026-11-22T00:00',
  ]);
});

it('begins days at midnight of the zone, also where the clock is put forward or back', () => {
  expect(days('Europe/Zurich', '2026-03-28T12:00:00Z', '2026-03-30T12:00:00Z')).toEqual([
    '2026-03-27T23:00',
    '2026-03-28T23:00',
    '2026-03-29T22:00',
    '2026-03-30T22:00',
  ]);
  expect(days('America/New_York', '2026-11-01T12:00:00Z', '2026-11-02T12:00:00Z')).toEqual([
    '2026-11-01T04:00',
    '2026-11-02T05:00',
    '2026-11-03T05:00',
  ]);
  // Days that have no midnight begin when they do: at one o'clock.
  expect(days('Africa/Cairo', '2026-04-23T12:00:00Z', '2026-04-24T12:00:00Z')).toEqual([
    '2026-04-22T22:00',
    '2026-04-23T22:00',
    '2026-04-24T21:00',
  ]);
});

it.each(['Asia/Kolkata', 'Asia/Kathmandu', '+05:30', 'Australia/Adelaide'])(
  'cannot tell days of %s by hours of UTC',
  (timeZone) => {
    expect(days(timeZone, '2026-11-20T12:10:00Z', '2026-11-21T12:00:00Z')).toBeUndefined();
    expect(days(timeZone, '2026-11-20T18:40:00Z', '2026-11-21T12:00:00Z')).toBeUndefined();
  },
);

it('cannot where it becomes so within the span', () => {
  // Lord Howe puts its clock forward by half an hour: from +10:30 to +11:00 on 4 October 2026.
  expect(days('Australia/Lord_Howe', '2026-10-05T12:00:00Z', '2026-10-07T12:00:00Z')).toHaveLength(4);
  expect(days('Australia/Lord_Howe', '2026-10-01T12:00:00Z', '2026-10-07T12:00:00Z')).toBeUndefined();
});
