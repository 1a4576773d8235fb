import { isAscii, isUtf8 } from 'node:buffer';
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js';
import type { Reply } from '../domain/reply.ts';
import type { DataScanner } from './data-scanner.ts';
import { replies } from './replies.ts';

type Now<T> = T | Promise<T>;
type Callback = (error?: Error | null) => void;

/** Takes the bytes of one message while it is read. Its promises never reject. */
export interface DataSink {
  /** The rest of the message is not read before the promise resolves. */
  write(bytes: Uint8Array): void | Promise<void>;
  /** The scanner found a problem: nothing more will be written. May be said more than once. */
  discard(): void;
  /** More was discarded than is tolerated: the connection is to be closed. */
  overflow(): void;
  /** The final dot was read. Nothing behind it is read before the promise resolves. */
  end(): Now<void>;
}

/** The connection as its parser sees it. Nothing here throws or rejects. */
export interface ParserHost {
  /** False before the greeting: then input waits, or is refused by `early`. */
  readonly greeted: boolean;
  early(): void;
  /** True while nothing is to be read; `start` goes on afterwards. */
  readonly paused: boolean;
  readonly longestCommand: number;
  readonly bareNewlines: boolean;
  command(line: string): Now<void>;
  refuseLine(refusal: Reply): void;
  /** Everything that was read is answered: send the replies, and go on once the client took them. */
  idle(next: () => void): void;
}

const lf = 0x0a;
const cr = 0x0d;
/** Commands answered in a row before other connections get their turn. */
const commandsInARow = 100;
/** Where a line is longer than allowed its rest is skipped up to this many times the limit. */
const tolerance = 16;
// biome-ignore lint/suspicious/noControlCharactersInRegex: looking for them is the point
const controlCharacter = /[\x00-\x1f\x7f]/;

/**
 * Cuts the input into command lines, and hands the bytes behind DATA to a scanner. Takes the place of smtp-server's
 * parser: it answers synchronous commands without leaving the chunk, so that replies of pipelined commands
 * (RFC 2920) go out together, and knows bare line ends.
 */
export class CommandParser extends SMTPStream {
  /** Of Writable: the chunks behind the one that is being read. */
  declare readonly writableBuffer: readonly { readonly chunk: Buffer }[];
  readonly #host: ParserHost;
  #chunk: Buffer = Buffer.alloc(0);
  #position = 0;
  #done: Callback | null = null;
  /** True while lines are read, or one waits for its answer. */
  #busy = false;
  /** Octets of the chunks to come that are dropped unread. */
  #skip = 0;
  /** Pieces of a line whose end did not arrive yet. */
  #partial: Buffer[] = [];
  #partialLength = 0;
  #scanner: DataScanner | null = null;
  #sink: DataSink | null = null;
  #discardLimit = 0;

  constructor(host: ParserHost) {
    super();
    this.#host = host;
  }

  /** What follows is a message. `discardLimit`: octets of a refused message read before `overflow`. */
  startData(scanner: DataScanner, sink: DataSink, discardLimit: number): void {
    this.#scanner = scanner;
    this.#sink = sink;
    this.#discardLimit = discardLimit;
  }

  /** The greeting was sent, or a pause is over: what waited is read. */
  start(): void {
    if (this.#done !== null) this.#run();
  }

  /** What was received behind the command that is being answered. */
  pending(): Buffer {
    const queued = this.writableBuffer.map(({ chunk }) => chunk);
    return Buffer.concat([this.#chunk.subarray(this.#position), ...queued]).subarray(this.#skip);
  }

  /** What `pending` shows is not read. */
  discardPending(): void {
    this.#position = this.#chunk.length;
    this.#skip = this.writableBuffer.reduce((octets, { chunk }) => octets + chunk.length, 0);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding | 'buffer', next: Callback): void {
    if (this.isClosed) {
      next();
      return;
    }
    this.#chunk = chunk;
    this.#position = Math.min(this.#skip, chunk.length);
    this.#skip -= this.#position;
    this.#done = next;
    if (this.#host.greeted) this.#run();
    else this.#host.early();
  }

  #run = (): void => {
    if (this.#busy) return;
    this.#busy = true;
    let commands = 0;
    while (!this.isClosed && !this.#host.paused && this.#position < this.#chunk.length) {
      const pending = this.#scanner === null ? this.#line() : this.#data(this.#scanner, this.#sink);
      if (pending instanceof Promise) {
        // Replies so far must not wait for what may take long.
        this.#host.idle(() => void pending.then(this.#goOn));
        return;
      }
      if (++commands >= commandsInARow && this.#scanner === null) {
        this.#host.idle(() => void setImmediate(this.#goOn));
        return;
      }
    }
    this.#busy = false;
    if (this.#host.paused && !this.isClosed) {
      this.#host.idle(() => {});
      return;
    }
    const done = this.#done;
    this.#done = null;
    if (done !== null) this.#host.idle(done);
  };

  #goOn = (): void => {
    this.#busy = false;
    this.#run();
  };

  #line(): Now<void> {
    const chunk = this.#chunk;
    const start = this.#position;
    const at = chunk.indexOf(lf, start);
    const end = at === -1 ? chunk.length : at;
    this.#position = at === -1 ? end : at + 1;
    const length = this.#partialLength + end - start;
    const tooLong = length > this.#host.longestCommand + 1;
    if (at === -1) {
      this.#partialLength = length;
      if (tooLong) this.#partial = [];
      else this.#partial.push(Buffer.from(chunk.subarray(start, end)));
      if (length > this.#host.longestCommand * tolerance) {
        this.#host.refuseLine(replies.closing.errors);
      }
      return;
    }
    let line = chunk.subarray(start, end);
    if (this.#partialLength > 0) {
      if (!tooLong) line = Buffer.concat([...this.#partial, line]);
      this.#partial = [];
      this.#partialLength = 0;
    }
    if (tooLong) return this.#host.refuseLine(replies.syntax.tooLong);
    const endsWithCr = line[line.length - 1] === cr;
    if (!endsWithCr && !this.#host.bareNewlines) return this.#host.refuseLine(replies.syntax.bareNewline);
    return this.#dispatch(endsWithCr ? line.subarray(0, -1) : line);
  }

  #dispatch(line: Buffer): Now<void> {
    if (!isAscii(line) && !isUtf8(line)) return this.#host.refuseLine(replies.syntax.notUtf8);
    const text = line.toString('utf8');
    if (controlCharacter.test(text)) {
      const bareCr = text.includes('\r');
      return this.#host.refuseLine(bareCr ? replies.syntax.bareNewline : replies.syntax.control);
    }
    return this.#host.command(text);
  }

  #data(scanner: DataScanner, sink: DataSink | null): Now<void> {
    if (sink === null) return;
    const pieces: Uint8Array[] = [];
    this.#position = scanner.scan(this.#chunk, this.#position, pieces);
    if (scanner.problem !== null) sink.discard();
    if (scanner.ended) {
      this.#scanner = null;
      this.#sink = null;
    } else if (scanner.received > this.#discardLimit) {
      sink.overflow();
      return;
    }
    return writeAll(pieces, 0, sink, scanner.ended);
  }
}

function writeAll(pieces: readonly Uint8Array[], from: number, sink: DataSink, ended: boolean): Now<void> {
  for (let i = from; i < pieces.length; i++) {
    const piece = pieces[i];
    const pending = piece === undefined ? undefined : sink.write(piece);
    if (pending !== undefined) return pending.then(() => writeAll(pieces, i + 1, sink, ended));
  }
  return ended ? sink.end() : undefined;
}
