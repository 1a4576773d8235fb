import { expect, it } from 'vitest';
import { bodyHash, messageId } from '../../tests/support/captured-mail.ts';
import { BenchMessage } from './bench-message.ts';

it('makes messages of the size told that differ by number, in place', () => {
  const message = new BenchMessage('run', 5_120);
  const first = Buffer.from(message.number(1));
  const second = Buffer.from(message.number(12));
  expect(first.length).toBe(5_120 + 3);
  expect(second.length).toBe(first.length);
  expect(first.toString().endsWith('\r\n.\r\n')).toBe(true);
  expect(first.toString().slice(0, -3)).not.toMatch(/\r\n\.|[^\r]\n/);
  expect(first.equals(second)).toBe(false);
});

it('knows what a sink must see', () => {
  const message = new BenchMessage('run', 5_120);
  const seen = Buffer.from(message.number(7)).subarray(0, -3);
  expect(message.expected(7)).toEqual({ messageId: messageId(seen), bodyHash: bodyHash(seen) });
});
