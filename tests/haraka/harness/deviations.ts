import { isCoreText } from './core-texts.ts';
import type { OutcomeExchange } from './outcome.ts';

/*
 * Where Sluice means to differ, as plugins/haraka/README.md lists it, and the comparison therefore looks away. Nothing
 * else is overlooked.
 */

const enhancedCode = /^([245])\.\d{1,3}\.\d{1,3}(?: |$)/;

/** A line without an enhanced code gets one, since the server announces them (RFC 2034): `2.1.0`, `4.7.1`, `5.7.1`. */
export const withoutAddedCode = (
  code: number,
  lines: readonly string[],
  haraka: readonly string[],
): readonly string[] =>
  lines.map((line, at) => {
    const own = enhancedCode.test(haraka[at] ?? '');
    return !own && enhancedCode.exec(line)?.[1] === String(code)[0] ? line.replace(enhancedCode, '') : line;
  });

/** Texts of the refusals that Haraka's server counts in `connection.errors`. */
const counted = /^(?:Use (?:EHLO|MAIL)|(?:MAIL|RCPT) required first$|Command parsing failed$)/;

/** `connection.errors` knows of what plugins refused only: what is to be taken off Haraka's. */
export const ownErrors = (exchanges: readonly OutcomeExchange[]): number =>
  exchanges.flatMap(({ replies }) => replies).filter(({ lines }) => counted.test(lines[0] ?? '')).length;

/** `connection.last_reject` knows of plugins' refusals only. */
export const isOwnRefusal = (lastReject: unknown): boolean =>
  typeof lastReject === 'string' && isCoreText(lastReject.slice(4));
