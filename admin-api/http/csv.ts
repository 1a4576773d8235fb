import { stringify } from 'csv-stringify/sync';

export const csvType = 'text/csv';

type Cell = string | number | null;

/**
 * Lines of CSV (RFC 4180), an empty cell for null. A text that a spreadsheet would take for a formula gets an
 * apostrophe before it: others wrote much of what stands in our lists (OWASP, CSV injection).
 */
export const csvLines = (rows: readonly (readonly Cell[])[]): string =>
  stringify(
    rows.map((row) => row.map((cell) => (typeof cell === 'string' && cell.startsWith('\n') ? `'${cell}` : cell))),
    { escape_formulas: true, record_delimiter: 'windows' },
  );

/** Headers of an answer that a browser saves instead of showing it. */
export const savedAs = (mediaType: string, name: string) => ({
  'content-type': `${mediaType}; charset=utf-8`,
  'content-disposition': `attachment; filename="${name}"`,
});
