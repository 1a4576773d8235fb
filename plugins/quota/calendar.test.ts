import { expect, it } from 'vitest';
import { Calendar, type Period } from './calendar.ts';

const minute = 60_000;
const iso = (at: number) => new Date(at).toISOString();

/** Walks a span minute by minute and answers each day once, in order, as often as it begins. */
const daysOf = (timeZone: string, from: string, until: string): Period[] => {
  const calendar = new Calendar(timeZone);
  const days: Period[] = [];
  for (let at = Date.parse(from); at < Date.parse(until); at += minute) {
    const day = calendar.day(at);
    if (days.at(-1)?.key !== day.key) days.push(day);
  }
  return days;
};

it('names hours of UTC, whatever the time zone', () => {
  const hour = new Calendar('Asia/Kolkata').hour(Date.parse('2026-11-22T13:59:59.999Z'));
  expect(hour).toEqual({
    unit: 'hour',
    key: 'hour:2026-11-22T13Z',
    startsAt: Date.parse('2026-11-22T13:00:00Z'),
    endsAt: Date.parse('2026-11-22T14:00:00Z'),
    resets: '14:00 UTC',
  });
});

it('begins a new hour on the millisecond', () => {
  const calendar = new Calendar('UTC');
  expect(calendar.hour(Date.parse('2026-11-22T13:59:59.999Z')).key).toBe('hour:2026-11-22T13Z');
  expect(calendar.hour(Date.parse('2026-11-22T14:00:00.000Z')).key).toBe('hour:2026-11-22T14Z');
  expect(calendar.hour(Date.parse('2026-11-22T13:59:59.999Z')).key).toBe('hour:2026-11-22T13Z');
});

it('names days of UTC by default', () => {
  const day = new Calendar('UTC').day(Date.parse('2026-11-22T13:00:00Z'));
  expect(day).toMatchObject({
    key: 'day:2026-11-22[UTC]',
    startsAt: Date.parse('2026-11-22T00:00:00Z'),
    endsAt: Date.parse('2026-11-23T00:00:00Z'),
    resets: '2026-11-23 00:00 UTC',
  });
});

it.each([
  ['2026-03-29', 23, '2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z'],
  ['2026-10-25', 25, '2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z'],
])('in Berlin the day %s has %i hours and begins exactly once', (date, hours, from, until) => {
  const days = daysOf(
    'Europe/Berlin',
    iso(Date.parse(from) - 48 * 60 * minute),
    iso(Date.parse(until) + 48 * 60 * minute),
  );
  const keys = days.map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);
  const day = days.find(({ key }) => key === `day:${date}[Europe/Berlin]`);
  expect([day?.startsAt, day?.endsAt]).toEqual([Date.parse(from), Date.parse(until)]);
  const before = days[days.findIndex(({ key }) => key === day?.key) - 1];
  expect(before?.endsAt).toBe(Date.parse(from));
  expect((Date.parse(until) - Date.parse(from)) / (60 * minute)).toBe(hours);
  expect(day?.resets).toMatch(/ 00:00 Europe\/Berlin$/);
});

it('knows days that have no midnight', () => {
  // In 2026 Cairo's clock goes from 23:59:59 on 23 April to 01:00 on the 24th.
  const days = daysOf('Africa/Cairo', '2026-04-22T00:00:00Z', '2026-04-26T00:00:00Z');
  const day = days.find(({ key }) => key === 'day:2026-04-23[Africa/Cairo]');
  expect([day?.startsAt, day?.endsAt]).toEqual([
    Date.parse('2026-04-22T22:00:00Z'),
    Date.parse('2026-04-23T22:00:00Z'),
  ]);
  expect(day?.resets).toBe('2026-04-24 01:00 Africa/Cairo');
});

it('finds the day anew when the clock is set back', () => {
  const calendar = new Calendar('Europe/Berlin');
  expect(calendar.day(Date.parse('2026-11-22T12:00:00Z')).key).toBe('day:2026-11-22[Europe/Berlin]');
  expect(calendar.day(Date.parse('2026-11-20T12:00:00Z')).key).toBe('day:2026-11-20[Europe/Berlin]');
});

it('answers the same object within an hour and a day, so that it can be remembered by', () => {
  const calendar = new Calendar('Europe/Berlin');
  const [early, late] = [Date.parse('2026-11-22T12:00:00Z'), Date.parse('2026-11-22T12:59:00Z')];
  const [hour, day] = [calendar.hour(early), calendar.day(early)];
  expect(calendar.hour(late)).toBe(hour);
  expect(calendar.day(late)).toBe(day);
});
