import { expect, test } from 'vitest';
import { WireEncoder, wireForm } from './wire-encoder.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

function inPieces(text: string, size: number): { sent: string; flaw: string | null } {
  const encoder = new WireEncoder();
  const out: Uint8Array[] = [];
  for (let i = 0; i < text.length; i += size) out.push(encoder.encode(bytes(text.slice(i, i + size))));
  out.push(encoder.end());
  return { sent: Buffer.concat(out).toString('latin1'), flaw: encoder.flaw };
}

test.each([
  ['A: b\r\n\r\nhello\r\n', 'A: b\r\n\r\nhello\r\n.\r\n'],
  ['.\r\n', '..\r\n.\r\n'],
  ['a\r\n.\r\n..b\r\n', 'a\r\n..\r\n...b\r\n.\r\n'],
  ['a.\r\nb .c\r\n', 'a.\r\nb .c\r\n.\r\n'],
  ['no line end', 'no line end\r\n.\r\n'],
  ['', '.\r\n'],
])('%j goes out as %j, however it is cut', (text, wire) => {
  for (let size = 1; size <= Math.max(1, text.length); size++) {
    expect(inPieces(text, size)).toEqual({ sent: wire, flaw: null });
  }
});

test.each([
  ['a\nb\r\n', 'a bare LF'],
  ['\na\r\n', 'a bare LF'],
  ['a\rb\r\n', 'a bare CR'],
  ['a\r\r\n', 'a bare CR'],
  ['a\r', 'a bare CR'],
  ['a\r\n\0.\r\n', 'a NUL'],
  ['a\r\n.\n', 'a bare LF'],
  ['a\n.\r\n', 'a bare LF'],
  ['a\r.\r', 'a bare CR'],
])('%j is not fit to be sent, however it is cut', (text, flaw) => {
  for (let size = 1; size <= text.length; size++) expect(inPieces(text, size).flaw).toBe(flaw);
  expect(wireForm([bytes(text)])).toEqual({ flaw });
});

test('a small message is one buffer and tells whether it has 8-bit text', () => {
  const plain = wireForm([bytes('A: b\r\n'), bytes('\r\n.x\r\n')]);
  expect(plain).toEqual({ octets: bytes('A: b\r\n\r\n..x\r\n.\r\n'), eightBit: false });
  expect(wireForm([bytes('A: \xe4\r\n')])).toMatchObject({ eightBit: true });
});
