import type { QuotaPeriod, QuotaWindows } from '../admin-api/routes/quotas.ts';
import type { PluginEntry } from '../core/config/schema.ts';
import { Calendar, type Period } from '../plugins/quota/calendar.ts';
import { configSchema } from '../plugins/quota/config.ts';

/** The windows in which the plugin `quota` counts, by its settings in force; UTC where it is off. */
export function createQuotaWindows(plugins: () => readonly PluginEntry[]): QuotaWindows {
  const running = () => plugins().find(({ use, enabled }) => enabled && use === 'quota');
  let known: { readonly timeZone: string; readonly calendar: Calendar } | null = null;
  const calendarOf = (timeZone: string): Calendar => {
    if (known?.timeZone !== timeZone) known = { timeZone, calendar: new Calendar(timeZone) };
    return known.calendar;
  };
  return {
    enforced: () => running() !== undefined,
    of(whose, { daily, hourly }, now) {
      const entry = running();
      const calendar = calendarOf(entry === undefined ? 'UTC' : configSchema.parse(entry.config).time_zone);
      const period = (limit: number | null, { key, startsAt, endsAt }: Period): QuotaPeriod => ({
        window: entry === undefined || limit === null ? null : { ...whose, window: key, limit, startsAt, endsAt },
        resetsAt: endsAt,
      });
      return { hour: period(hourly, calendar.hour(now)), day: period(daily, calendar.day(now)) };
    },
  };
}
