import { type Reply, reply } from '../domain/reply.ts';
import { DataOutput } from './data-output.ts';
import { type HeaderLimits, HeaderWatch } from './header-watch.ts';

export interface DataLimits extends HeaderLimits {
  /** Octets of the message as stored. */
  readonly size: number;
  /** Octets of one line without its CR LF. */
  readonly line_length: number;
}

const nul = 0x00;
const lf = 0x0a;
const cr = 0x0d;
const dot = 0x2e;

const oneCrlf = Buffer.from('\r\n');

/** Where in a line the scanner stands. What a pending state stands for has been read, but not yet given out. */
type State = 'line-start' | 'dot' | 'dot-cr' | 'middle' | 'cr';

const bareNewlines = reply(
  550,
  '5.6.11',
  'The message holds a bare CR, a bare LF or a NUL; end lines with CR LF and encode other bytes (quoted-printable, base64)',
);

/**
 * Reads what follows DATA (RFC 5321 §4.1.1.4, §4.5.2), in whatever pieces it arrives. Only CR LF `.` CR LF ends it; a
 * leading dot is taken off. Bare CR, bare LF and NUL make the message refused, or are normalised: CR LF for the first
 * two, nothing for the third; neither begins a line in which a dot would mean something. Limits are kept while reading.
 *
 * Works by `indexOf` on whole chunks. Costs are linear in the bytes read, whatever they are.
 */
export class DataScanner {
  readonly #limits: DataLimits;
  readonly #normalize: boolean;
  readonly #header: HeaderWatch;
  #state: State = 'line-start';
  #lineLength = 0;

  /** Octets of the message so far, as stored. */
  size = 0;
  /** Octets read, refused ones included. */
  received = 0;
  /** True behind the final dot. */
  ended = false;
  /** Why the message is refused. Once set nothing is given out any more, but the end is still looked for. */
  problem: Reply | null = null;

  constructor(limits: DataLimits, normalize: boolean) {
    this.#limits = limits;
    this.#normalize = normalize;
    this.#header = new HeaderWatch(limits);
  }

  /**
   * Reads `chunk` from `from` on and appends what belongs to the message to `pieces`. Answers the index behind the last
   * byte read: the chunk's length, or that of the first byte behind the final dot. Bytes that were read may be moved.
   */
  scan(chunk: Buffer, from: number, pieces: Uint8Array[]): number {
    const output = new DataOutput(chunk);
    const firstPiece = pieces.length;
    const position = this.#resume(chunk, from, pieces);
    const end = this.ended ? position : this.#lines(chunk, position, output);
    this.received += end - from;
    const bytes = output.bytes();
    if (bytes !== null) pieces.push(bytes);
    for (let i = firstPiece; i < pieces.length; i++) this.size += pieces[i]?.length ?? 0;
    if (this.size > this.#limits.size) this.#refuse(tooLarge(this.#limits.size));
    if (this.problem !== null) pieces.length = firstPiece;
    return end;
  }

  /** Decides what the bytes pending from the last chunk were. Answers where reading goes on. */
  #resume(chunk: Buffer, from: number, pieces: Uint8Array[]): number {
    let position = from;
    if (position >= chunk.length) return position;
    if (this.#state === 'dot') {
      if (chunk[position] !== cr) this.#state = 'middle';
      else {
        this.#state = 'dot-cr';
        position++;
      }
    }
    if (position >= chunk.length) return position;
    if (this.#state === 'dot-cr') {
      if (chunk[position] === lf) {
        this.ended = true;
        return position + 1;
      }
      this.#bareNewline(pieces);
    } else if (this.#state === 'cr') {
      if (chunk[position] === lf) {
        pieces.push(oneCrlf);
        this.#endOfLine();
        this.#state = 'line-start';
        return position + 1;
      }
      this.#bareNewline(pieces);
    }
    return position;
  }

  /** A CR pending from the last chunk turned out to be bare. */
  #bareNewline(pieces: Uint8Array[]): void {
    this.#state = 'middle';
    this.#refuseBare();
    pieces.push(oneCrlf);
    this.#endOfLine();
  }

  #lines(chunk: Buffer, from: number, output: DataOutput): number {
    const length = chunk.length;
    let position = from;
    let run = from;
    let nextCr = find(chunk, cr, from);
    let nextLf = find(chunk, lf, from);
    let nextNul = find(chunk, nul, from);

    while (position < length) {
      if (this.#state === 'line-start') {
        if (chunk[position] === dot) {
          output.take(run, position);
          if (position + 1 === length) {
            this.#state = 'dot';
            return length;
          }
          if (chunk[position + 1] === cr) {
            if (position + 2 === length) {
              this.#state = 'dot-cr';
              return length;
            }
            if (chunk[position + 2] === lf) {
              this.ended = true;
              return position + 3;
            }
          }
          position++;
          run = position;
        }
        this.#state = 'middle';
      }
      if (nextCr < position) nextCr = find(chunk, cr, position);
      if (nextLf < position) nextLf = find(chunk, lf, position);
      const lineEnd = Math.min(nextCr, nextLf);

      while (nextNul < lineEnd) {
        this.#content(chunk, position, nextNul);
        this.#refuseBare();
        output.take(run, nextNul);
        position = nextNul + 1;
        run = position;
        nextNul = find(chunk, nul, position);
      }
      this.#content(chunk, position, lineEnd);
      if (lineEnd === length) {
        position = length;
      } else if (lineEnd === length - 1 && lineEnd === nextCr) {
        this.#state = 'cr';
        output.take(run, nextCr);
        return length;
      } else if (nextLf === nextCr + 1) {
        this.#endOfLine();
        this.#state = 'line-start';
        position = nextLf + 1;
      } else {
        this.#refuseBare();
        output.take(run, lineEnd);
        if (this.#normalize) output.newline();
        this.#endOfLine();
        position = lineEnd + 1;
        run = position;
      }
    }
    output.take(run, length);
    return length;
  }

  #content(chunk: Buffer, start: number, end: number): void {
    if (end <= start) return;
    this.#lineLength += end - start;
    if (this.#lineLength > this.#limits.line_length) {
      this.#refuse(reply(554, '5.6.0', `A line of the message is longer than ${this.#limits.line_length} octets`));
    }
    if (this.#header.inside && this.problem === null) this.#header.piece(chunk, start, end);
  }

  #endOfLine(): void {
    this.#lineLength = 0;
    if (!this.#header.inside || this.problem !== null) return;
    const refusal = this.#header.endOfLine();
    if (refusal !== null) this.#refuse(refusal);
  }

  #refuseBare(): void {
    if (!this.#normalize) this.#refuse(bareNewlines);
  }

  #refuse(refusal: Reply): void {
    this.problem ??= refusal;
  }
}

/** Refused for its size, whether declared (RFC 1870 §6.1) or found out. */
export const tooLarge = (limit: number): Reply =>
  reply(552, '5.3.4', `The message is larger than the ${limit} octets that are taken here`);

function find(chunk: Buffer, byte: number, from: number): number {
  const at = chunk.indexOf(byte, from);
  return at === -1 ? chunk.length : at;
}
