import { expect, test } from 'vitest';
import { readOptions } from './options.ts';

test('an hour is what is run and kept, each kind of fault three times', () => {
  expect(readOptions([])).toEqual({ minutes: 60, rate: 5, rounds: 3, output: 'docs/soak.md' });
});

test('a shorter run has every fault once at least, and overwrites no result', () => {
  expect(readOptions(['--minutes', '5'])).toMatchObject({ rounds: 1, output: null });
  expect(readOptions(['--minutes', '5', '--rounds', '2', '--output', 'here.md'])).toMatchObject({
    rounds: 2,
    output: 'here.md',
  });
});

test('what is no number is refused by its name', () => {
  expect(() => readOptions(['--minutes', 'long'])).toThrow('--minutes long');
  expect(() => readOptions(['--rate', '0'])).toThrow('--rate 0');
});
