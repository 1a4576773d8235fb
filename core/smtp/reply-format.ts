import type { Reply } from '../domain/reply.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: they would split or forge replies
const controlCharacters = /[\x00-\x1f\x7f-\x9f]+/g;

/** A reply as it goes on the wire, CR LF included; the enhanced code stands on each line (RFC 2034 §4). */
export function formatReply(reply: Reply): string {
  const { code, enhanced, text } = reply;
  const status = enhanced === null ? '' : `${enhanced} `;
  if (typeof text === 'string') return `${code} ${status}${clean(text)}\r\n`;
  let wire = '';
  for (let i = 0; i < text.length; i++) {
    wire += `${code}${i === text.length - 1 ? ' ' : '-'}${status}${clean(text[i] ?? '')}\r\n`;
  }
  return wire === '' ? `${code} ${status}\r\n` : wire;
}

const clean = (line: string): string => line.replace(controlCharacters, ' ');
