import { type Reply, reply } from '../../core/domain/reply.ts';

/** What is kept of an upstream's words: enough for a person, bounded for the log. */
const kept = { lines: 10, characters: 500 };
const control = /\p{Cc}+/gu;

/** Turns a reply as received (lines joined by `\n`) into ours; the text is shortened and freed of control characters. */
export function upstreamReply(raw: string): Reply {
  const code = Number.parseInt(raw.slice(0, 3), 10);
  let enhanced: string | null = null;
  let left = kept.characters;
  const texts: string[] = [];
  for (const line of raw.split('\n', kept.lines)) {
    let text = line.slice(4);
    const match = /^([245]\.\d{1,3}\.\d{1,3})(?: |$)/.exec(text);
    if (match?.[1] !== undefined) {
      // RFC 2034 §4: the class says the same as the first digit; one that does not is only words.
      if (match[1].charCodeAt(0) === raw.charCodeAt(0)) {
        enhanced ??= match[1];
        text = text.slice(match[0].length);
      }
    }
    text = text.replaceAll(control, ' ').trim().slice(0, left);
    if (text !== '') texts.push(text);
    left -= text.length;
    if (left <= 0) break;
  }
  return reply(code, enhanced, texts.length === 1 ? (texts[0] ?? '') : texts);
}
