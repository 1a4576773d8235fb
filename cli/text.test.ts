import { expect, test } from 'vitest';
import { counted, shorten, size, span, widthOf } from './text.ts';

test.each([
  ['abcdef', 6, 'abcdef'],
  ['abcdef', 5, 'abcd…'],
  ['邮件列表', 5, '邮件…'],
  ['邮件列表', 4, '邮…'],
])('%s in %d columns is %s', (text, width, expected) => {
  expect(shorten(text, width)).toBe(expected);
  expect(widthOf(expected)).toBeLessThanOrEqual(width);
});

test.each([
  [0, '0 s'],
  [45_000, '45 s'],
  [119_000, '119 s'],
  [120_000, '2 min'],
  [7_200_000, '2 h'],
  [172_800_000, '2 d'],
])('%d ms are %s', (milliseconds, expected) => {
  expect(span(milliseconds)).toBe(expected);
});

test('counts and sizes', () => {
  expect([counted(1, 'message'), counted(1_200, 'message')]).toEqual(['1 message', '1,200 messages']);
  expect([size(12), size(2_048), size(3 * 1_024 ** 2)]).toEqual(['12 B', '2.0 KB', '3.0 MB']);
});
