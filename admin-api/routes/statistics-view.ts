import { z } from 'zod';
import type { MailStatistics, StatisticsRow } from '../../core/storage/ports/mail-log.ts';
import { component } from '../components.ts';
import { isoTime, timeSchema } from './fields.ts';

const outcomes = ['delivered', 'relayed', 'captured', 'discarded', 'bounced', 'expired', 'cancelled'] as const;
const counters = ['accepted', ...outcomes, 'deferred', 'refused'] as const;
type Counts = Record<keyof MailStatistics, number>;

const count = z.int().min(0);
const countFields = {
  accepted: count,
  delivered: count.describe('Handed over to the recipient’s own server'),
  relayed: count.describe('Handed over to a relay that reports no delivery'),
  captured: count.describe('Kept in the capture box'),
  discarded: count,
  bounced: count,
  expired: count,
  cancelled: count,
  deferred: count.describe('Attempts that ended in "later"'),
  refused: count.describe('Transactions refused'),
};

export const statisticsSchema = component(
  'MailStatistics',
  z.strictObject({
    from: timeSchema,
    until: timeSchema,
    totals: z.strictObject({
      accepted: count,
      sent: count.describe('delivered + relayed + captured'),
      failed: count.describe('bounced + expired'),
      refused: count,
    }),
    by_status: z.strictObject(countFields),
    by_hour: z
      .array(z.strictObject({ hour: timeSchema, ...countFields }))
      .describe('UTC hours in which there was mail'),
    by_day: z.array(z.strictObject({ day: z.iso.date(), ...countFields })).describe('UTC days in which there was mail'),
  }),
);

const none = (): Counts => ({
  accepted: 0,
  delivered: 0,
  relayed: 0,
  captured: 0,
  discarded: 0,
  bounced: 0,
  expired: 0,
  cancelled: 0,
  deferred: 0,
  refused: 0,
});

function add(to: Counts, row: MailStatistics): void {
  for (const counter of counters) to[counter] += row[counter];
}

/** Sums the hourly rows, which may come several to an hour (one an owner or credential). */
export function statisticsView(rows: readonly StatisticsRow[]) {
  const all = none();
  const hours = new Map<number, Counts>();
  const days = new Map<string, Counts>();
  for (const row of [...rows].sort((a, b) => a.hour - b.hour)) {
    const day = isoTime(row.hour).slice(0, 10);
    const ofHour = hours.get(row.hour) ?? none();
    const ofDay = days.get(day) ?? none();
    hours.set(row.hour, ofHour);
    days.set(day, ofDay);
    for (const sum of [all, ofHour, ofDay]) add(sum, row);
  }
  return {
    totals: {
      accepted: all.accepted,
      sent: all.delivered + all.relayed + all.captured,
      failed: all.bounced + all.expired,
      refused: all.refused,
    },
    by_status: all,
    by_hour: [...hours].map(([hour, counts]) => ({ hour: isoTime(hour), ...counts })),
    by_day: [...days].map(([day, counts]) => ({ day, ...counts })),
  };
}
