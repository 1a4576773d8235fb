import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { CsvError, parse } from 'csv-parse';
import { SluiceError } from '../domain/errors.ts';

/** One entry of a list as it was written, unchecked. A field that is not there says nothing: what is listed stays. */
export interface ListLine {
  /** Counts from 1. */
  readonly line: number;
  readonly network: string;
  readonly reason?: string;
  /** Null: never. */
  readonly expiresAt?: string | null;
  /** Instead of the rest: why this line cannot be read. */
  readonly problem?: string;
}

/** Characters or octets read at a time; between two of them others get their turn. */
const sliceLength = 4_096;

/** A line of a list too long to be an entry: an open quote would take the whole rest of the file. */
const longestRecord = 4_096;

const fileProblem = (line: number, message: string) =>
  new SluiceError('REQUEST_INVALID', `line ${line}: ${message}`, {
    problems: [{ path: `body.line.${line}`, message }],
  });

/** A plain list: an address or network a line; what follows a `#` is a comment. */
export async function* plainLines(text: string): AsyncGenerator<ListLine> {
  let from = 0;
  let slice = 0;
  for (let line = 1; from <= text.length; line += 1) {
    const end = text.indexOf('\n', from);
    const content = text.slice(from, end === -1 ? text.length : end);
    from = end === -1 ? text.length + 1 : end + 1;
    const network = content.replace(/#.*/s, '').trim();
    if (network !== '') yield { line, network };
    if (from - slice < sliceLength) continue;
    slice = from;
    await setImmediate();
  }
}

/** In octets, which the parser puts together again: a slice of text could end within a character. */
async function* slices(text: string): AsyncGenerator<Uint8Array> {
  const octets = Buffer.from(text);
  for (let from = 0; from < octets.length; from += sliceLength) {
    yield octets.subarray(from, from + sliceLength);
    await setImmediate();
  }
}

/** Of an export those columns are passed over that an import decides by itself. */
const ownColumns: readonly string[] = ['id', 'source', 'created_at', 'updated_at'];
const readColumns: readonly string[] = ['network', 'reason', 'expires_at'];

function columnsOf(record: readonly string[], line: number): readonly string[] {
  const columns = record.map((name) => name.toLowerCase());
  const strange = columns.filter((name) => !readColumns.includes(name) && !ownColumns.includes(name));
  if (columns.includes('network') && strange.length === 0 && new Set(columns).size === columns.length) return columns;
  throw fileProblem(
    line,
    'expected a head line that names the columns: network, and, if wanted, reason and expires_at',
  );
}

/** An export puts an apostrophe before what a spreadsheet would take for a formula. */
const withoutGuard = (text: string): string => text.replace(/^'(?=[=+\-@\t\r\uff1d\uff0b\uff0d\uff20])/, '');

function lineOf(columns: readonly string[], record: readonly string[], line: number): ListLine {
  const cell = (name: string): string | undefined => {
    const at = columns.indexOf(name);
    return at === -1 ? undefined : withoutGuard(record[at] ?? '');
  };
  const network = cell('network') ?? '';
  if (record.length > columns.length) {
    return { line, network, problem: `expected ${columns.length} cells, as in the head line, found ${record.length}` };
  }
  const [reason, expiresAt] = [cell('reason'), cell('expires_at')];
  return {
    line,
    network,
    ...(reason === undefined || reason === '' ? {} : { reason }),
    ...(expiresAt === undefined ? {} : { expiresAt: expiresAt === '' ? null : expiresAt }),
  };
}

/**
 * CSV with a head line (RFC 4180): `network`, `reason`, `expires_at`, in any order. An empty end means never, an empty
 * reason none. Throws `REQUEST_INVALID` for what cannot be read any further.
 */
export async function* csvLines(text: string): AsyncGenerator<ListLine> {
  const parser = parse({
    bom: true,
    comment: '#',
    comment_no_infix: true,
    info: true,
    max_record_size: longestRecord,
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
  });
  const source = Readable.from(slices(text));
  let columns: readonly string[] | null = null;
  try {
    for await (const { record, info } of source.pipe(parser) as AsyncIterable<CsvRecord>) {
      if (columns === null) columns = columnsOf(record, info.lines);
      else yield lineOf(columns, record, info.lines);
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw fileProblem(Number(error.lines ?? 1), `this is no CSV that can be read further: ${error.message}`);
  } finally {
    source.destroy();
  }
}

interface CsvRecord {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}
