import { SluiceError } from '../../domain/errors.ts';
import { HeaderBlock } from '../../domain/header-block.ts';
import type { Message } from '../../pipeline/session.ts';

/** Most octets of a message, or of its header block, that a report carries. */
export const returnLimits = { message: 128 * 1024, headers: 64 * 1024 };

export interface ReturnedContent {
  readonly what: 'message' | 'headers';
  readonly octets: Buffer;
}

/**
 * What a report gives back of the message (RFC 3461 §4.3): all of it where RET=FULL and it is small, else its header
 * block, cut at a line where that is long.
 */
export async function returnedContent(
  message: () => Message | Promise<Message>,
  full: boolean,
): Promise<ReturnedContent> {
  const limit = full ? returnLimits.message : returnLimits.headers;
  const pieces: Uint8Array[] = [];
  let octets = 0;
  try {
    for await (const piece of (await message()).open()) {
      pieces.push(piece);
      octets += piece.length;
      if (octets > limit) break;
    }
  } catch (error) {
    // A report without the message is better than none.
    if (error instanceof SluiceError && error.code === 'MESSAGE_CORRUPT') return { what: 'headers', octets: nothing };
    throw error;
  }
  const read = Buffer.concat(pieces);
  if (full && octets <= limit) return { what: 'message', octets: endedLine(read) };
  const block = new HeaderBlock(read);
  const headers = read.subarray(0, block.end);
  if (headers.length <= returnLimits.headers) return { what: 'headers', octets: endedLine(headers) };
  const cut = headers.lastIndexOf('\r\n', returnLimits.headers - 2);
  return { what: 'headers', octets: headers.subarray(0, Math.max(cut + 2, 0)) };
}

const nothing = Buffer.alloc(0);
const lineBreak = Buffer.from('\r\n');
const endedLine = (octets: Buffer): Buffer =>
  octets.length === 0 || octets.at(-1) === 0x0a ? octets : Buffer.concat([octets, lineBreak]);
