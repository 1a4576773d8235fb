import { expect, it } from 'vitest';
import { headerDate } from './header-date.ts';

it('writes a date-time of RFC 5322 in UTC', () => {
  expect(headerDate(Date.UTC(2026, 10, 22, 18, 3, 1, 999))).toBe('Sun, 22 Nov 2026 18:03:01 +0000');
  expect(headerDate(Date.UTC(2027, 0, 1))).toBe('Fri, 01 Jan 2027 00:00:00 +0000');
});

it('is read back by the platform as the same second', () => {
  const now = Date.now();
  expect(Date.parse(headerDate(now))).toBe(Math.floor(now / 1_000) * 1_000);
});
