/** Where the data ends in a window, and where the next command starts. */
export interface DataEnd {
  end: number;
  next: number;
}

/** Looks for the end of the data; `first` tells that the window starts where the data does. */
export type FindDataEnd = (window: Buffer, first: boolean) => DataEnd | undefined;

/** As many octets of what was searched before must stand in front of the next window. */
export const dataEndOverlap = 8;

const finalDot = Buffer.from('\r\n.\r\n');

/** RFC 5321 §4.1.1.4: only CRLF.CRLF, whose first CRLF belongs to the data. No data at all is `.CRLF`. */
export const strictDataEnd: FindDataEnd = (window, first) => {
  if (first && window.toString('latin1', 0, 3) === '.\r\n') return { end: 0, next: 3 };
  const at = window.indexOf(finalDot);
  return at < 0 ? undefined : { end: at + 2, next: at + 5 };
};

const looseDot = /[\r\n]\0?\.\0?(?:\r+\n|\n|\r)/;
const looseStart = /^\.\0?(?:\r+\n|\n|\r)/;

/**
 * What the most careless servers take for the end: a dot between any two of CR, LF and CRLF, a NUL beside it included.
 * A relay in front of such a server is the only thing between a smuggler and a second message.
 */
export const lenientDataEnd: FindDataEnd = (window, first) => {
  const text = window.toString('latin1');
  const start = first ? looseStart.exec(text) : null;
  if (start !== null) return { end: 0, next: start[0].length };
  const match = looseDot.exec(text);
  if (match === null) return undefined;
  return { end: match.index + match[0].indexOf('.'), next: match.index + match[0].length };
};
