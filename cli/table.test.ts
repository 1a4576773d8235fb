import { expect, test } from 'vitest';
import { renderPairs, renderTable } from './table.ts';
import { widthOf } from './text.ts';

const columns = [
  { title: 'Id' },
  { title: 'Size', align: 'right' },
  { title: 'From', flexible: true },
  { title: 'Reply', flexible: true },
] as const;
const rows = [
  ['1', '5 KB', 'a@example.com', '250 2.0.0 queued as something that goes on for a long while'],
  ['22', '10 MB', 'somebody.with.a.long.name@example.com', ''],
];

test('columns stand under each other, numbers to the right', () => {
  expect(renderTable(columns, rows, Number.POSITIVE_INFINITY)).toEqual([
    'Id   Size  From                                   Reply',
    '1    5 KB  a@example.com                          250 2.0.0 queued as something that goes on for a long while',
    '22  10 MB  somebody.with.a.long.name@example.com',
  ]);
});

test.each([40, 60, 80, 100])('flexible columns give way until all fits into %d', (width) => {
  const lines = renderTable(columns, rows, width);
  expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(width);
  expect(lines[1]).toContain('5 KB');
  expect(lines[1]).toContain('…');
});

test('nothing disappears where nothing may give way', () => {
  expect(renderTable([{ title: 'Id' }], [['0123456789']], 5)).toEqual(['Id', '0123456789']);
});

test('text from outside cannot move the cursor, turn round or start a line', () => {
  const [, line] = renderTable([{ title: 'From' }], [['a\u001b[2Jb\u202ec\nd\re']], 80);
  expect(line).toBe('a·[2Jb·c d·e');
});

test('wide characters count twice', () => {
  expect(renderTable([{ title: 'From' }, { title: 'To' }], [['邮件', 'x']], 80)).toEqual(['From  To', '邮件  x']);
});

test('pairs line up, and long values go on under each other', () => {
  expect(
    renderPairs([
      ['Id', '1'],
      ['Reply', 'one\ntwo'],
    ]),
  ).toEqual(['Id     1', 'Reply  one', '       two']);
});
