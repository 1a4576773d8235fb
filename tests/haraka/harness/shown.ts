import type { Difference } from './compare.ts';
import type { OutcomeExchange } from './outcome.ts';

/** What was seen on either side: replies as codes (as lines where the codes are the same), facts as they are. */
export type ShownDifference = readonly [where: string, haraka: unknown, sluice: unknown];

/** A case that Sluice decides otherwise on purpose: all that differs, so that nothing else can hide behind it. */
export interface Shown {
  /** The row of the table in plugins/haraka/README.md: the words it begins with. */
  readonly deviation: string;
  readonly differences: readonly ShownDifference[];
}

const isExchange = (value: unknown): value is OutcomeExchange =>
  typeof value === 'object' && value !== null && 'replies' in value && 'closed' in value;

const codesOf = ({ replies }: OutcomeExchange): string => replies.map(({ code }) => code).join(' ');
const linesOf = ({ replies }: OutcomeExchange): string =>
  replies.map(({ code, lines }) => `${code} ${lines.join(' | ')}`).join('; ');

const exchange = (said: string, { slow, closed, silent }: OutcomeExchange): string =>
  [said, ...(slow ? ['slow'] : []), ...(closed ? ['closed'] : []), ...(silent ? ['silent'] : [])].join(' ').trim();

/** A difference in short. */
export const shown = ({ where, haraka, sluice }: Difference): ShownDifference => {
  const both = isExchange(haraka) && isExchange(sluice);
  const say = both && codesOf(haraka) === codesOf(sluice) ? linesOf : codesOf;
  const brief = (value: unknown): unknown => (isExchange(value) ? exchange(say(value), value) : value);
  return [where, brief(haraka), brief(sluice)];
};
