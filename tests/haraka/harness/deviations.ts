import { isCoreText } from './core-texts.ts';

/*
 * Where Sluice means to differ, as plugins/haraka/README.md lists it, and the comparison therefore looks away. Nothing
 * else is overlooked.
 */

/** A refusal without an enhanced code gets one, since the server announces them (RFC 2034): `4.7.1`, `5.7.1`. */
export const withoutAddedCode = (
  code: number,
  lines: readonly string[],
  haraka: readonly string[],
): readonly string[] =>
  code < 400 || haraka.some((line) => /^[245]\.\d{1,3}\.\d{1,3}(?: |$)/.test(line))
    ? lines
    : lines.map((line) => line.replace(/^[45]\.\d{1,3}\.\d{1,3} /, ''));

/** `connection.last_reject` knows of plugins' refusals only. */
export const isOwnRefusal = (lastReject: unknown): boolean =>
  typeof lastReject === 'string' && isCoreText(lastReject.slice(4));
