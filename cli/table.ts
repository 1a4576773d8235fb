import { printable, shorten, widthOf } from './text.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** May be cut to fit the width; the widest of these gives way first. */
  readonly flexible?: boolean;
}

const gap = 2;
const leastWidth = 6;

/** Makes the widest flexible column narrower until everything fits, or nothing can give way any more. */
function narrow(widths: number[], columns: readonly Column[], width: number): number[] {
  const fitted = [...widths];
  const total = () => fitted.reduce((sum, each) => sum + each + gap, -gap);
  while (total() > width) {
    let widest = -1;
    columns.forEach((column, index) => {
      const own = fitted[index] ?? 0;
      if (column.flexible === true && own > leastWidth && own > (fitted[widest] ?? 0)) widest = index;
    });
    if (widest === -1) break;
    fitted[widest] = (fitted[widest] ?? 0) - 1;
  }
  return fitted;
}

/** Lines of a table with a heading, at most `width` columns wide where the flexible columns allow it. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
  heading: (text: string) => string = (text) => text,
): string[] {
  const cells = rows.map((row) => row.map((cell) => printable(cell).replaceAll('\n', ' ')));
  const natural = columns.map((column, index) =>
    Math.max(widthOf(column.title), ...cells.map((row) => widthOf(row[index] ?? ''))),
  );
  const widths = narrow(natural, columns, width);
  const line = (row: readonly string[]) =>
    columns
      .map((column, index) => {
        const text = shorten(row[index] ?? '', widths[index] ?? 0);
        const space = ' '.repeat(Math.max(0, (widths[index] ?? 0) - widthOf(text)));
        return column.align === 'right' ? space + text : text + space;
      })
      .join(' '.repeat(gap))
      .trimEnd();
  return [heading(line(columns.map((column) => column.title))), ...cells.map(line)];
}

/** Lines of names and values, the values under each other; long values go on over as many lines as they need. */
export function renderPairs(pairs: readonly (readonly [name: string, value: string])[]): string[] {
  const indent = Math.max(...pairs.map(([name]) => widthOf(name))) + gap;
  return pairs.flatMap(([name, value]) =>
    printable(value)
      .split('\n')
      .map((line, index) => (index === 0 ? name : '').padEnd(indent) + line),
  );
}
