import { Writable } from 'node:stream';
import { styleText } from 'node:util';
import { catalogue, type Problem, SluiceError } from '../core/domain/errors.ts';
import { type Column, renderPairs, renderTable } from './table.ts';
import { printable } from './text.ts';

type Style = Parameters<typeof styleText>[0];

/** A stream to write to: standard output or error, or one that a test reads. */
export type Sink = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

/** Where nobody reads. */
export const silence = (): Sink => new Writable({ write: (_chunk, _encoding, done) => done() });

/** Everything that commands say. Colour only on a terminal, and not where NO_COLOR is set; JSON where it is asked for. */
export class Output {
  readonly json: boolean;
  readonly #out: Sink;
  readonly #err: Sink;

  constructor(out: Sink, err: Sink, json: boolean) {
    this.#out = out;
    this.#err = err;
    this.json = json;
  }

  /** True where a person watches standard error, so that a line may be written over and over. */
  get watched(): boolean {
    return this.#err.isTTY === true && !this.json;
  }

  get width(): number {
    return this.#out.isTTY === true ? this.#out.columns || 80 : Number.POSITIVE_INFINITY;
  }

  paint(style: Style, text: string): string {
    return styleText(style, text, { stream: this.#out });
  }

  line(text = ''): void {
    this.#out.write(`${text}\n`);
  }

  /** The result of a command: as JSON for scripts, else as `render` says it. */
  result(data: unknown, render: () => void): void {
    if (this.json) this.line(JSON.stringify(data, null, 2));
    else render();
  }

  table(columns: readonly Column[], rows: readonly (readonly string[])[]): void {
    const heading = (text: string) => this.paint('bold', text);
    for (const line of renderTable(columns, rows, this.width, heading)) this.line(line);
  }

  pairs(pairs: readonly (readonly [string, string])[]): void {
    for (const line of renderPairs(pairs)) this.line(line);
  }

  /** Remarks that are no result go to standard error. */
  note(text: string): void {
    if (!this.json) this.#err.write(`${printable(text)}\n`);
  }

  warning(problem: Problem): void {
    if (!this.json)
      this.#err.write(`${styleText('yellow', 'warning', { stream: this.#err })} ${showProblem(problem)}\n`);
  }

  /** Rewrites one line on a terminal; elsewhere nothing. An empty text clears it. */
  progress(text: string): void {
    if (this.watched) this.#err.write(`\r\u001b[K${printable(text)}`);
  }

  failure(error: SluiceError): void {
    const { title } = catalogue[error.code];
    const { code, message, problems } = error;
    if (this.json) {
      this.#err.write(`${JSON.stringify({ error: { code, title, message, problems } }, null, 2)}\n`);
      return;
    }
    const red = styleText('red', title, { stream: this.#err });
    this.#err.write(`${red}: ${printable(message)}\n`);
    for (const problem of problems) this.#err.write(`  ${showProblem(problem)}\n`);
  }
}

/** `configs/sluice.yaml:12: api.port expected …`, in the form that editors jump to; or the variable's name in its place. */
export function showProblem({ file, line, variable, path, message }: Problem): string {
  const place = variable ?? (file === undefined ? undefined : line === undefined ? file : `${file}:${line}`);
  return printable([...(place === undefined ? [] : [`${place}:`]), ...(path === '' ? [] : [path]), message].join(' '));
}

/** Anything thrown, as an error that can be shown. What is not from the catalogue is a fault of ours. */
export function asSluiceError(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new SluiceError('INTERNAL', `${text}\nPlease report this with what you typed.`, { cause: error });
}
