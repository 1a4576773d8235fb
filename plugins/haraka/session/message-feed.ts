import { setTimeout } from 'node:timers/promises';
import type { Message } from '../../../core/pipeline/plugin.ts';
import type { HarakaTransaction } from './haraka-transaction.ts';

const lf = 0x0a;
const dot = 0x2e;
const stuffing = Buffer.from('.');
/** Octets of the line that ends DATA: Haraka counts it. */
const terminator = 3;
/** Octets that may wait to be written to a file. */
const mostBuffered = 2 * 1024 * 1024;

/**
 * Hands a received message to a transaction as Haraka reads it: line by line, in wire form. Header changes by plugins go
 * to the message from then on; a body that banner or filters changed is stored in place of the received one.
 */
export async function feedMessage(transaction: HarakaTransaction, message: Message): Promise<void> {
  const { header } = transaction;
  header.recordTo(message.headers);
  let dots = 0;
  let partial: Buffer[] = [];
  const addLine = (line: Buffer): void => {
    const stuffed = line[0] === dot;
    if (stuffed) dots += 1;
    transaction.add_data(stuffed ? Buffer.concat([stuffing, line]) : line);
  };
  for await (const piece of message.open()) {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    let start = 0;
    for (let end = bytes.indexOf(lf, start); end !== -1; end = bytes.indexOf(lf, start)) {
      // Copied: the stream keeps what it is given, and the piece may be used again behind our back.
      const line = Buffer.from(bytes.subarray(start, end + 1));
      addLine(partial.length === 0 ? line : Buffer.concat([...partial, line]));
      partial = [];
      start = end + 1;
    }
    if (start < bytes.length) partial.push(Buffer.from(bytes.subarray(start)));
    await written(transaction);
  }
  if (partial.length > 0) addLine(Buffer.concat([...partial, Buffer.from('\r\n')]));
  transaction.data_bytes = message.size + dots + terminator;
}

/** Reads no faster than the file of a large message is written: what waits for it stands in memory. */
async function written(transaction: HarakaTransaction): Promise<void> {
  const stream = transaction.message_stream;
  while (transaction.streamError === null && stream.spooling && stream.buffered > mostBuffered) await setTimeout(1);
  if (transaction.streamError !== null) throw transaction.streamError;
}

/** Waits until all of the message can be read from its stream. */
export const endMessage = (transaction: HarakaTransaction): Promise<void> =>
  new Promise((resolve, reject) => {
    if (transaction.streamError !== null) throw transaction.streamError;
    const stream = transaction.message_stream;
    stream.once('error', reject);
    transaction.end_data(() => {
      stream.removeListener('error', reject);
      resolve();
    });
  });

/** Stores the body as banner and filters have made it. */
export async function storeChangedBody(transaction: HarakaTransaction, message: Message): Promise<void> {
  const { message_stream } = transaction;
  await message.replaceBody({
    [Symbol.asyncIterator]: () => message_stream[Symbol.asyncIterator]({ skip_headers: true }),
  });
}
