import { expect, test } from 'vitest';
import { withBlocks } from './scaling-blocks.ts';

const page = 'before\n<!-- made: one -->\nold\n<!-- end -->\nbetween\n<!-- made: two -->\n<!-- end -->\nafter\n';

test('fills each place anew and leaves the rest as it is', () => {
  const made = withBlocks(
    page,
    new Map([
      ['one', 'first'],
      ['two', 'second'],
    ]),
  );
  expect(made).toBe(
    'before\n<!-- made: one -->\nfirst\n<!-- end -->\nbetween\n<!-- made: two -->\nsecond\n<!-- end -->\nafter\n',
  );
  expect(withBlocks(made, new Map([['one', 'first']]))).toBe(made);
});

test('says which place is missing', () => {
  expect(() => withBlocks(page, new Map([['three', 'text']]))).toThrow('no place for three');
});
