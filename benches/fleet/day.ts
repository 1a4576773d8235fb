import { loads, type Model, meanRate, type Workload } from './fleet.ts';

export interface Day {
  /** Hours in which at least one station has more to do than it can. */
  readonly overloadedHours: number;
  /** Messages that wait at most, and when in the day, in hours. */
  readonly backlog: { readonly messages: number; readonly hour: number };
  /** Hours from the first message that had to wait until none does; null where the day ends before. */
  readonly drainedAfter: number | null;
}

const step = 1 / 60;
/** How narrow the peak is: the mean of ((1 + cos) / 2)³ over a day is 5/16. */
const shape = 3;
const meanOfShape = 5 / 16;
/** Beyond it the night would have less than no mail. */
export const highestPeak = 1 / meanOfShape;

/** The rate at an hour against the mean of the day: highest, `peak`, at noon, lowest at midnight; 1 on average. */
export function profile(peak: number, hour: number): number {
  const hill = ((1 - Math.cos((hour / 24) * 2 * Math.PI)) / 2) ** shape;
  const height = (peak - 1) / (1 - meanOfShape);
  return peak - height + height * hill;
}

/** Follows a day minute by minute, as if mail were a liquid: what the fullest station cannot take waits for later. */
export function day(model: Model, workload: Workload): Day {
  const capacity = 1 / Math.max(...loads(model, 1).map(({ load }) => load));
  let waiting = 0;
  let overloaded = 0;
  let most = { messages: 0, hour: 0 };
  let began: number | null = null;
  let ended: number | null = null;
  for (let hour = 0; hour < 24; hour += step) {
    const rate = meanRate(workload) * profile(workload.peak, hour);
    if (rate > capacity) {
      overloaded += step;
      began ??= hour;
    }
    waiting = Math.max(0, waiting + (rate - capacity) * step * 3_600);
    if (waiting > most.messages) most = { messages: waiting, hour };
    if (began !== null && ended === null && waiting === 0) ended = hour;
  }
  return {
    overloadedHours: overloaded,
    backlog: { messages: Math.round(most.messages), hour: most.hour },
    drainedAfter: began === null ? 0 : ended === null ? null : ended - began,
  };
}
