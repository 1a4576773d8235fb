const wide =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Extended_Pictographic}\uff00-\uff60]/u;
/** Control characters but tab and line feed, line separators, and what turns the direction of text around. */
const control = /(?![\t\n])[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** Text of others, fit for a terminal: what could move the cursor or turn text around becomes `·`. */
export const printable = (text: string): string => text.replaceAll(control, '·');

/** Columns a text takes on a terminal. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += wide.test(character) ? 2 : 1;
  return width;
}

/** Cuts to at most `width` columns, with `…` at the end where something is missing. */
export function shorten(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  let used = 1;
  for (const character of text) {
    used += wide.test(character) ? 2 : 1;
    if (used > width) break;
    kept += character;
  }
  return `${kept}…`;
}

/** `3 messages`, `1 message`. */
export const counted = (count: number, singular: string, plural = `${singular}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? singular : plural}`;

/** A span as a person says it: `45 s`, `12 min`, `3 h`, `5 d`. */
export function span(milliseconds: number): string {
  const seconds = Math.round(Math.abs(milliseconds) / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`;
}

/** A size as a person says it. */
export function size(octets: number): string {
  if (octets < 1_024) return `${octets} B`;
  return octets < 1_024 ** 2 ? `${(octets / 1_024).toFixed(1)} KB` : `${(octets / 1_024 ** 2).toFixed(1)} MB`;
}
