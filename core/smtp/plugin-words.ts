import { type Reply, reply } from '../domain/reply.ts';
import type { Words } from '../pipeline/verdict.ts';

const enhancedCode = /^([245]\.\d{1,3}\.\d{1,3})(?: +|$)/;

/**
 * A positive reply of core's in a plugin's words. An enhanced code of the same class at the beginning of the words takes
 * the place of core's, which stays otherwise: RFC 2034 §4 wants one. Where core gives none (220) the standard forbids
 * one, and words are words.
 */
export function inWords(own: Reply, words: Words | undefined): Reply {
  if (words === undefined) return own;
  const { code, enhanced } = own;
  const found = enhancedCode.exec(typeof words === 'string' ? words : (words[0] ?? ''))?.[1];
  if (enhanced === null || found === undefined || found[0] !== enhanced[0]) return reply(code, enhanced, words);
  // Plugins that write several lines may begin each of them with the code.
  const bare = (line: string): string =>
    enhancedCode.exec(line)?.[1] === found ? line.replace(enhancedCode, '') : line;
  return reply(code, found, typeof words === 'string' ? bare(words) : words.map(bare));
}
