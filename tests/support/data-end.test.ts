import { describe, expect, it } from 'vitest';
import { lenientDataEnd, strictDataEnd } from './data-end.ts';

const split = (find: typeof strictDataEnd, text: string) => {
  const found = find(Buffer.from(text, 'latin1'), true);
  return found === undefined ? undefined : [text.slice(0, found.end), text.slice(found.next)];
};

describe('the end of data', () => {
  it('is CRLF.CRLF alone for a strict sink', () => {
    expect(split(strictDataEnd, 'a\r\n.\r\nQUIT')).toEqual(['a\r\n', 'QUIT']);
    expect(split(strictDataEnd, '.\r\nQUIT')).toEqual(['', 'QUIT']);
    for (const form of [
      '\n.\n',
      '\r\n.\n',
      '\n.\r\n',
      '\r.\r',
      '\r\n.\r',
      '\r\n\0.\r\n',
      '\r\n.\0\r\n',
      '\r\n.\r\r\n',
    ]) {
      expect(split(strictDataEnd, `a${form}MAIL`), JSON.stringify(form)).toBeUndefined();
    }
  });

  it.each([
    '\n.\n',
    '\n.\r',
    '\r.\n',
    '\r.\r',
    '\n.\r\n',
    '\r.\r\n',
    '\r\n.\n',
    '\r\n.\r',
    '\r\n\0.\r\n',
    '\r\n.\0\r\n',
  ])('is also %j for a lenient one', (form) => {
    expect(split(lenientDataEnd, `body${form}MAIL FROM`)?.[1]).toBe('MAIL FROM');
  });

  it('is not a stuffed dot, nor a dot within a line', () => {
    expect(split(lenientDataEnd, 'a\r\n..\r\nb.\r\nc')).toBeUndefined();
    expect(split(lenientDataEnd, 'a\n..\nb')).toBeUndefined();
  });

  it('takes a dot as the first octets only where the data starts', () => {
    expect(lenientDataEnd(Buffer.from('.\nx'), true)).toEqual({ end: 0, next: 2 });
    expect(lenientDataEnd(Buffer.from('.\nx'), false)).toBeUndefined();
  });
});
