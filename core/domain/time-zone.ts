const hour = 3_600_000;

/** True for a name of the IANA database that this Node knows, and for an offset such as `+02:00`. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/**
 * Where the days of a time zone begin that cover `from` to `until`, and where the last one ends; milliseconds since the
 * epoch. Null where a day does not begin on a full hour of UTC: what is counted by such hours cannot be told by days.
 */
export function wholeHourDays(timeZone: string, from: number, until: number): number[] | null {
  // The Swedish format is that of ISO 8601.
  const dates = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' });
  const begins = (at: number, date: string): boolean => dates.format(at) === date && dates.format(at - 1) !== date;

  let date = dates.format(from);
  let start = Math.floor(from / hour) * hour;
  while (dates.format(start - 1) === date) start -= hour;
  if (!begins(start, date)) return null;
  const boundaries = [start];
  while (start < until) {
    let next = start + 20 * hour;
    while (dates.format(next) === date) next += hour;
    date = dates.format(next);
    if (!begins(next, date)) return null;
    boundaries.push(next);
    start = next;
  }
  return boundaries;
}
