import { Readable } from 'node:stream';
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import type { HarakaTransaction } from '../session/haraka-transaction.ts';
import { endMessage } from '../session/message-feed.ts';

/** What `send_email` takes: a text or bytes, several of these, or a stream of them. */
export type Contents = unknown;

const lf = 0x0a;
const cr = 0x0d;
const dot = 0x2e;
const stuffing = Buffer.from('.');
const lineEnd = Buffer.from('\r\n');
/** Octets that may wait to be written to a file. */
const mostBuffered = 2 * 1024 * 1024;

const isIterable = (value: unknown): value is AsyncIterable<unknown> | Iterable<unknown> =>
  typeof value === 'object' && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value);
const isStream = (value: unknown): value is NodeJS.ReadableStream =>
  typeof value === 'object' && value !== null && 'on' in value && typeof value.on === 'function';

function piecesOf(contents: Contents): AsyncIterable<unknown> | Iterable<unknown> {
  if (typeof contents === 'string' || contents instanceof Uint8Array) return [contents];
  if (isIterable(contents)) return contents;
  // Streams of the old kind, which nothing can iterate over.
  if (isStream(contents)) return new Readable().wrap(contents);
  throw new TypeError('The contents of a mail are a string, bytes, an array or a stream of them');
}

/** The message line by line, each with its end; the last may lack one. */
async function* lines(contents: Contents): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  for await (const piece of piecesOf(contents)) {
    const bytes =
      piece instanceof Uint8Array
        ? Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
        : Buffer.from(String(piece));
    let start = 0;
    for (let end = bytes.indexOf(lf); end !== -1; end = bytes.indexOf(lf, start)) {
      // Copied: who gave the piece may use it again.
      rest.push(Buffer.from(bytes.subarray(start, end + 1)));
      yield rest.length === 1 ? (rest[0] ?? lineEnd) : Buffer.concat(rest);
      rest = [];
      start = end + 1;
    }
    if (start < bytes.length) rest.push(Buffer.from(bytes.subarray(start)));
  }
  if (rest.length > 0) yield Buffer.concat(rest);
}

/** The line with CRLF at its end. */
function ended(line: Buffer): Buffer {
  let end = line.length;
  if (line[end - 1] === lf) end -= 1;
  if (line[end - 1] === cr) end -= 1;
  return Buffer.concat([line.subarray(0, end), lineEnd]);
}

/** Reads a message into a transaction; `dotStuffed`: dots at line starts are doubled already. */
export async function readContents(mail: HarakaTransaction, contents: Contents, dotStuffed: boolean): Promise<void> {
  let count = 0;
  for await (const line of lines(contents)) {
    const wire = ended(line);
    mail.add_data(!dotStuffed && wire[0] === dot ? Buffer.concat([stuffing, wire]) : wire);
    count += 1;
    if (count % 1_000 !== 0) continue;
    // Others get their turn, and the file of a large message is written meanwhile.
    await turn();
    const { message_stream: stream } = mail;
    while (stream.spooling && stream.buffered > mostBuffered) await pause(1);
  }
  await endMessage(mail);
}
