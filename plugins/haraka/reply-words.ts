import { type Reply, reply } from '../../core/pipeline/plugin.ts';

/** What a plugin passes to `next` or `respond`: a text, several, a DSN of `haraka-dsn`, or nothing. */
export type Words = unknown;

interface Dsn {
  readonly code: number;
  readonly reply: string;
}

/** By name: packages bring copies of `haraka-dsn` of their own. */
export const isDsn = (words: Words): words is Dsn =>
  typeof words === 'object' && words !== null && words.constructor?.name === 'DSN';

const breaksLine = /[\0\r]/g;
const enhancedCode = /^([245]\.\d{1,3}\.\d{1,3})(?:\s+|$)/;

/** Code and lines as Haraka would send them: a DSN brings its own code; empty lines are dropped. */
export function replyLines(code: number, words: Words): { readonly code: number; readonly lines: string[] } {
  if (isDsn(words)) return { code: Number(words.code), lines: [words.reply] };
  const texts: readonly unknown[] = Array.isArray(words) ? words : [words ?? ''];
  const lines = texts
    .flatMap((text) => (Array.isArray(words) ? [String(text)] : String(text).split('\n')))
    .map((line) => line.replaceAll(breaksLine, ' ').replaceAll('\n', ' '))
    .filter((line) => /\S/.test(line));
  return { code, lines };
}

/**
 * The reply for what a plugin said, or for `fallback` where it said nothing. An enhanced code (RFC 3463) in front of its
 * words is taken as the reply's, in the reply's class; where there is none `detail` (`7.1`) makes one, since this server
 * promises them (RFC 2034).
 */
export function replyFor(code: number, words: Words, fallback: string, detail: string, cause?: string): Reply {
  const said = replyLines(code, words);
  const lines = said.lines.length === 0 ? [fallback] : said.lines;
  const shown = enhancedCode.exec(lines[0] ?? '')?.[1];
  const enhanced = `${Math.floor(said.code / 100)}.${shown?.slice(2) ?? detail}`;
  const text = shown
    ? lines.map((line) => (line.startsWith(shown) ? line.slice(shown.length).trimStart() : line))
    : lines;
  return reply(said.code, enhanced, text.length === 1 ? (text[0] ?? '') : text, cause);
}

/** A reply whose code is settled, whatever DSN comes with it; the enhanced code is found or made as in `replyFor`. */
export function settledReply(code: number, words: Words, fallback: string, detail: string): Reply {
  return replyFor(code, replyLines(code, words).lines, fallback, detail);
}

/** The words of a positive answer, or undefined where the plugin left them to the server. */
export function positiveWords(words: Words): string | readonly string[] | undefined {
  if (words === undefined || words === null) return undefined;
  const { lines } = replyLines(250, words);
  if (lines.length === 0) return undefined;
  return lines.length === 1 ? lines[0] : lines;
}
