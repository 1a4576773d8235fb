/** The length a line is folded at where it can be (RFC 5322 §2.1.1). */
const preferredLength = 78;

/** Throws a RangeError unless this is a field name (RFC 5322 §3.6.8). */
export function checkFieldName(name: string): void {
  if (!/^[!-9;-~]{1,76}$/.test(name)) throw new RangeError(`${JSON.stringify(name)} is no header field name`);
}

/**
 * Throws a RangeError where a value could end its field: a line break stands only before a blank and further text.
 * Whatever a plugin or a client puts into a value, no second field and no body can come of it.
 */
export function checkFieldValue(value: string): void {
  let lineHasText = false;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code === 0x0d && value.charCodeAt(i + 1) === 0x0a && i > 0) {
      const after = value.charCodeAt(i + 2);
      if (!lineHasText || (after !== 0x20 && after !== 0x09)) throw brokenValue();
      lineHasText = false;
      i += 2;
    } else if (code === 0x0d || code === 0x0a || code === 0) {
      throw brokenValue();
    } else if (code !== 0x20 && code !== 0x09) lineHasText = true;
  }
  if (!lineHasText && value.includes('\n')) throw brokenValue();
}

const brokenValue = (): RangeError =>
  new RangeError('A header value may hold no NUL, and line breaks only as folds: CRLF, a blank, then text');

/**
 * The field as it stands in a message, `\r\n` at its end: folded before blanks where a line would be longer than 78,
 * unless it is to stay as it is (`fold` false).
 */
export function fieldText(name: string, value: string, fold = true): string {
  const whole = `${name}: ${value}\r\n`;
  if (!fold || whole.length <= preferredLength + 2 || value.includes('\n')) return whole;
  let text = `${name}:`;
  let length = text.length;
  for (let start = 0; start < value.length; ) {
    // A word and the blanks before it; a word too long for any line stays whole.
    let end = start;
    while (value[end] === ' ' || value[end] === '\t') end++;
    const blank = end === value.length;
    while (end < value.length && value[end] !== ' ' && value[end] !== '\t') end++;
    const word = value.slice(start, end);
    const lead = start === 0 ? ' ' : '';
    if (start > 0 && !blank && length + word.length > preferredLength) {
      text += '\r\n';
      length = 0;
    }
    text += lead + word;
    length += lead.length + word.length;
    start = end;
  }
  return `${text}\r\n`;
}
