import { isDeepStrictEqual } from 'node:util';
import { isCoreCapability, isCoreText, serverQueued } from './core-texts.ts';
import { isOwnRefusal, ownErrors, withoutAddedCode } from './deviations.ts';
import type { Outcome, OutcomeExchange, OutcomeReply } from './outcome.ts';

/** Something that Sluice did and Haraka does not, or the other way round. */
export interface Difference {
  readonly where: string;
  readonly haraka: unknown;
  readonly sluice: unknown;
}

export interface CompareOptions {
  /** The queue was each server's own, so that its words after the dot are, too. */
  readonly ownQueue: boolean;
}

const capabilities = ({ lines }: OutcomeReply): readonly string[] =>
  lines.slice(1).filter((line) => !isCoreCapability(line));

const sameReply = (sent: string, haraka: OutcomeReply, sluice: OutcomeReply, { ownQueue }: CompareOptions): boolean => {
  if (haraka.code !== sluice.code) return false;
  if (/^EHLO\b/i.test(sent) && haraka.code === 250) {
    return isDeepStrictEqual(capabilities(haraka), capabilities(sluice));
  }
  if (ownQueue && haraka.code === 250 && haraka.lines.some((line) => serverQueued.test(line))) return true;
  if (haraka.lines.some(isCoreText)) return true;
  return isDeepStrictEqual(haraka.lines, withoutAddedCode(sluice.code, sluice.lines, haraka.lines));
};

const compareExchange = (
  where: string,
  haraka: OutcomeExchange | undefined,
  sluice: OutcomeExchange | undefined,
  options: CompareOptions,
): Difference[] => {
  const same =
    haraka !== undefined &&
    sluice !== undefined &&
    haraka.slow === sluice.slow &&
    haraka.closed === sluice.closed &&
    haraka.silent === sluice.silent &&
    haraka.replies.length === sluice.replies.length &&
    haraka.replies.every((reply, at) => {
      const other = sluice.replies[at];
      return other !== undefined && sameReply(haraka.sent, reply, other, options);
    });
  return same ? [] : [{ where, haraka, sluice }];
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The leaves of two facts that are not the same, by path. */
const compareFacts = (where: string, haraka: unknown, sluice: unknown): Difference[] => {
  if (isRecord(haraka) && isRecord(sluice)) {
    const keys = new Set([...Object.keys(haraka), ...Object.keys(sluice)]);
    return [...keys].flatMap((key) => compareFacts(`${where}.${key}`, haraka[key], sluice[key]));
  }
  if (isDeepStrictEqual(haraka, sluice)) return [];
  if (where.endsWith('.last_reject') && isOwnRefusal(haraka)) return [];
  return [{ where, haraka, sluice }];
};

const withoutOwnErrors = (facts: unknown, { exchanges }: Outcome): unknown =>
  isRecord(facts) && typeof facts.errors === 'number'
    ? { ...facts, errors: facts.errors - ownErrors(exchanges) }
    : facts;

const factsOf = ({ probe }: Outcome, event: string): readonly unknown[] =>
  probe.filter((facts) => isRecord(facts) && facts.event === event);

const longest = (one: readonly unknown[], other: readonly unknown[]): number[] =>
  Array.from({ length: Math.max(one.length, other.length) }, (_, at) => at);

export const compareOutcomes = (haraka: Outcome, sluice: Outcome, options: CompareOptions): Difference[] => [
  ...longest(haraka.exchanges, sluice.exchanges).flatMap((at) => {
    const one = haraka.exchanges[at];
    return compareExchange(`reply ${at} to ${one?.sent}`, one, sluice.exchanges[at], options);
  }),
  ...longest(haraka.mails, sluice.mails).flatMap((at) =>
    compareFacts(`mail ${at}`, haraka.mails[at], sluice.mails[at]),
  ),
  // A transaction more on one side must not set what is behind it against something else.
  ...['transaction', 'connection', 'outbound'].flatMap((event) => {
    const [one, other] = [factsOf(haraka, event), factsOf(sluice, event)];
    return longest(one, other).flatMap((at) =>
      compareFacts(`${event} ${at}`, withoutOwnErrors(one[at], haraka), other[at]),
    );
  }),
];

/** Whether it is about what clients and the next hop see, and not about what plugins find. */
export const isOutside = ({ where }: Difference): boolean => /^(?:reply|mail) /.test(where);

/** Whether a plugin made any difference that can be seen. */
export const sameOutcome = (on: Outcome, off: Outcome): boolean => isDeepStrictEqual(on, off);
