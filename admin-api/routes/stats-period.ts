import { z } from 'zod';
import { SluiceError } from '../../core/domain/errors.ts';
import { isTimeZone, wholeHourDays } from '../../core/domain/time-zone.ts';
import { instantSchema } from './fields.ts';

const hour = 3_600_000;
const day = 24 * hour;
/** Most days of one answer, by interval; told apart by domain, every hour may have hundreds of rows. */
const longest = { hour: 31, day: 400 } as const;
const longestByDomain = 92;
const usual = { hour: 1, day: 7 } as const;

/** Far enough from the edges of time that whole intervals have a beginning and an end. */
const momentSchema = instantSchema.refine(
  (at) => at >= Date.UTC(2000, 0) && at < Date.UTC(2100, 0),
  'expected a time between the years 2000 and 2100',
);

export const periodFields = {
  interval: z.enum(['hour', 'day']).default('day').describe('How long each interval is'),
  from: momentSchema
    .optional()
    .describe('Its interval is the first one; default: a day before `until`, of days seven')
    .meta({ examples: ['2026-11-16T00:00:00Z'] }),
  until: momentSchema
    .optional()
    .describe('The interval before it, or around it, is the last one; default: now')
    .meta({ examples: ['2026-11-23T00:00:00Z'] }),
  time_zone: z
    .string()
    .max(64)
    .refine(isTimeZone, 'expected the name of a time zone such as UTC or Europe/Zurich')
    .default('UTC')
    .describe('Where days begin at midnight; zones whose midnight is no full hour of UTC count as UTC')
    .meta({ examples: ['Europe/Zurich'] }),
};

export interface Period {
  /** Beginnings of the intervals, and the end of the last one; milliseconds since the epoch. */
  readonly boundaries: readonly number[];
  /** The one that days really begin in. */
  readonly timeZone: string;
}

interface Asked {
  readonly group_by?: string | undefined;
  readonly interval: 'hour' | 'day';
  readonly from?: number | undefined;
  readonly until?: number | undefined;
  readonly time_zone: string;
}

function hoursBetween(from: number, until: number): number[] {
  const boundaries = [Math.floor(from / hour) * hour];
  for (let at = boundaries[0] ?? 0; at < until; ) {
    at += hour;
    boundaries.push(at);
  }
  return boundaries;
}

/** The whole intervals that a query means. Throws `REQUEST_INVALID` for a span that is empty or too long. */
export function periodOf(asked: Asked, now: number): Period {
  const { interval, time_zone: timeZone } = asked;
  const until = asked.until ?? Math.max(now, (asked.from ?? 0) + 1);
  const from = asked.from ?? until - usual[interval] * day;
  const most = asked.group_by === 'domain' ? Math.min(longestByDomain, longest[interval]) : longest[interval];
  if (from >= until || until - from > most * day) {
    const which =
      most === longestByDomain ? 'by domain' : `for intervals of a${interval === 'day' ? '' : 'n'} ${interval}`;
    const message = `has to be before \`until\`, by at most ${most} days ${which}`;
    throw new SluiceError('REQUEST_INVALID', `query.from: ${message}`, { problems: [{ path: 'query.from', message }] });
  }
  if (interval === 'hour') return { boundaries: hoursBetween(from, until), timeZone: 'UTC' };
  const local = wholeHourDays(timeZone, from, until);
  if (local !== null) return { boundaries: local, timeZone };
  return { boundaries: wholeHourDays('UTC', from, until) ?? [from, until], timeZone: 'UTC' };
}
