import { isDeepStrictEqual } from 'node:util';
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

/** What is there on one side only, is not told in full. */
const presence = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? '(there)' : (value ?? null);

/** Without what two lists have in common at both ends. */
const apart = (one: readonly unknown[], other: readonly unknown[]): [unknown[], unknown[]] => {
  const most = Math.min(one.length, other.length);
  let start = 0;
  while (start < most && isDeepStrictEqual(one[start], other[start])) start += 1;
  let end = 0;
  while (end < most - start && isDeepStrictEqual(one.at(-1 - end), other.at(-1 - end))) end += 1;
  return [one.slice(start, one.length - end), other.slice(start, other.length - end)];
};

/** A difference in short. */
export const shown = ({ where, haraka, sluice }: Difference): ShownDifference => {
  if (isExchange(haraka) || isExchange(sluice)) {
    const both = isExchange(haraka) && isExchange(sluice);
    const say = both && codesOf(haraka) === codesOf(sluice) ? linesOf : codesOf;
    const brief = (value: unknown): unknown => (isExchange(value) ? exchange(say(value), value) : null);
    return [where, brief(haraka), brief(sluice)];
  }
  if (Array.isArray(haraka) && Array.isArray(sluice)) return [where, ...apart(haraka, sluice)];
  const alone = haraka === undefined || haraka === null || sluice === undefined || sluice === null;
  return alone ? [where, presence(haraka), presence(sluice)] : [where, haraka, sluice];
};
