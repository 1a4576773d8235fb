/** A span of time in which recipients are counted. */
export interface Period {
  readonly unit: 'hour' | 'day';
  /** Name of the span, unique for ever: `hour:2026-11-22T14Z`, `day:2026-11-22[Europe/Berlin]`. */
  readonly key: string;
  /** Its first millisecond. */
  readonly startsAt: number;
  /** First millisecond after it. */
  readonly endsAt: number;
  /** That moment as the refusal names it: `14:00 UTC`. */
  readonly resets: string;
}

const hourMilliseconds = 60 * 60_000;
/** No local day is longer: 24 hours, and at most a few more where a clock is put back. */
const longestDayMilliseconds = 30 * hourMilliseconds;

const hourAt = (now: number): Period => {
  const start = Math.floor(now / hourMilliseconds) * hourMilliseconds;
  const endsAt = start + hourMilliseconds;
  const key = `hour:${new Date(start).toISOString().slice(0, 13)}Z`;
  return { unit: 'hour', key, startsAt: start, endsAt, resets: `${new Date(endsAt).toISOString().slice(11, 16)} UTC` };
};

/**
 * Names the hour of UTC and the day of a time zone that a moment lies in. A day is its date on the clock of that zone,
 * so it begins once, however the clock is put forward or back.
 */
export class Calendar {
  readonly #timeZone: string;
  readonly #dates: Intl.DateTimeFormat;
  readonly #times: Intl.DateTimeFormat;
  #hour: Period | undefined;
  #day: (Period & { readonly from: number }) | undefined;

  /** `timeZone` is a name of the IANA database. */
  constructor(timeZone: string) {
    this.#timeZone = timeZone;
    // The Swedish format is that of ISO 8601.
    this.#dates = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' });
    this.#times = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' });
  }

  /** The same object as long as the hour lasts. */
  hour(now: number): Period {
    if (this.#hour === undefined || now >= this.#hour.endsAt || now < this.#hour.endsAt - hourMilliseconds) {
      this.#hour = hourAt(now);
    }
    return this.#hour;
  }

  /** The same object as long as the day lasts and the clock is not set back. */
  day(now: number): Period {
    if (this.#day === undefined || now >= this.#day.endsAt || now < this.#day.from) {
      const date = this.#dates.format(now);
      const [startsAt, endsAt] = [this.#startOf(date, now), this.#endOf(date, now)];
      const resets = `${this.#times.format(endsAt)} ${this.#timeZone}`;
      this.#day = { unit: 'day', key: `day:${date}[${this.#timeZone}]`, startsAt, endsAt, resets, from: now };
    }
    return this.#day;
  }

  /** The first millisecond that shows this date, found by halving. */
  #startOf(date: string, now: number): number {
    let before = now - longestDayMilliseconds;
    let within = now;
    while (within - before > 1) {
      const middle = Math.floor((before + within) / 2);
      if (this.#dates.format(middle) < date) before = middle;
      else within = middle;
    }
    return within;
  }

  /** The first millisecond after `now` that shows a later date, found by halving. */
  #endOf(date: string, now: number): number {
    let within = now;
    let after = now + longestDayMilliseconds;
    while (after - within > 1) {
      const middle = Math.floor((within + after) / 2);
      if (this.#dates.format(middle) > date) after = middle;
      else within = middle;
    }
    return after;
  }
}
