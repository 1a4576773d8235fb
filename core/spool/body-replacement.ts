import { uuidv7 } from 'uuidv7';
import type { HeaderBlock } from '../domain/header-block.ts';
import type { MessageStore } from '../storage/ports/message-store.ts';
import { BodyWriter } from './body-writer.ts';
import { LineBreaks } from './line-breaks.ts';
import type { ReceivedBytes } from './spooled-message.ts';

const emptyLine = Buffer.from('\r\n');

async function writeAll(
  writer: BodyWriter,
  head: HeaderBlock,
  body: AsyncIterable<Uint8Array> | Uint8Array,
): Promise<ReceivedBytes> {
  await writer.write(head.bytes.subarray(0, head.end));
  const ended = head.end === 0 || head.bytes[head.end - 1] === 0x0a;
  await writer.write(ended ? emptyLine : Buffer.from('\r\n\r\n'));
  const lines = new LineBreaks();
  if (body instanceof Uint8Array) await writer.write(lines.convert(body));
  else for await (const piece of body) await writer.write(lines.convert(piece));
  await writer.write(lines.end());
  return await writer.finish();
}

/** Copies the pieces of one body in the store to another id. */
async function copyPieces(store: MessageStore, from: string, to: string, count: number): Promise<void> {
  await store.beginBody(to);
  for (let n = 0; n < count; n++) {
    const piece = await store.readChunk(from, n);
    if (piece === null) throw new Error(`Piece ${n} of the new body ${from} is gone`);
    await store.writeChunk(to, n, new Uint8Array(piece));
  }
}

/**
 * Stores header block and new body in place of what the message had. A body in the store may still be read from while
 * the new one is made of it, so that one is written under an id of its own and moved when it is whole.
 */
export async function replaceStoredBody(
  store: MessageStore,
  id: string,
  old: ReceivedBytes,
  head: HeaderBlock,
  body: AsyncIterable<Uint8Array> | Uint8Array,
): Promise<ReceivedBytes> {
  const stored = old.body.kind === 'chunks';
  const place = stored ? uuidv7() : id;
  const writer = new BodyWriter(store, place);
  try {
    const received = await writeAll(writer, head, body);
    if (stored) {
      store.abandonBody(id);
      if (received.body.kind === 'chunks') {
        await copyPieces(store, place, id, received.body.count);
        store.abandonBody(place);
      }
    }
    return received;
  } catch (error) {
    if (writer.begun) store.abandonBody(place);
    throw error;
  }
}
