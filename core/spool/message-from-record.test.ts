import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { MessageRecord } from '../domain/message.ts';
import { chunkSize } from '../storage/ports/message-store.ts';
import { messageFromRecord } from './message-from-record.ts';

const record = (bytes: Buffer, headerEdits: MessageRecord['headerEdits'] = []): MessageRecord => ({
  id: 'm',
  origin: 'smtp',
  ownerId: 'o',
  credentialId: null,
  acceptedAt: 0,
  source: null,
  sender: '',
  parameters: {},
  size: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
  messageId: null,
  subject: null,
  headerEdits,
  notes: {},
  trace: [],
  pipelineVersion: 1,
  recipients: [],
  nextAt: null,
  requested: null,
});

const pieces = (bytes: Buffer, size: number) => async (_: string, n: number) =>
  n * size < bytes.length ? bytes.subarray(n * size, (n + 1) * size) : null;

async function collect(message: { open(): AsyncIterable<Uint8Array> }): Promise<Buffer[]> {
  const all: Buffer[] = [];
  for await (const piece of message.open()) all.push(Buffer.from(piece));
  return all;
}

const noChunks = async () => null;
const edits: MessageRecord['headerEdits'] = [
  { do: 'prepend', name: 'Received', value: 'by us' },
  { do: 'remove', name: 'Bcc', nth: 0 },
];
const text = 'Subject: x\r\nBcc: secret@example.com\r\n\r\nbody\r\n';
const edited = 'Received: by us\r\nSubject: x\r\n\r\nbody\r\n';

describe('messageFromRecord', () => {
  it('gives a small message at once and in one piece, edited', async () => {
    const bytes = Buffer.from(text);
    const message = messageFromRecord(record(bytes, edits), bytes, noChunks);
    if (message instanceof Promise) throw new Error('a promise for a body at hand');
    expect((await collect(message)).map(String)).toEqual([edited]);
    expect(message.headers.get('Bcc')).toBeUndefined();
    expect(message.corrupt).toBe(false);
  });

  it.each([1, 7, 20, 41, 42, 1_000])('is the same from pieces of %i octets', async (size) => {
    const bytes = Buffer.from(text);
    const message = await messageFromRecord(record(bytes, edits), null, pieces(bytes, size));
    expect(Buffer.concat(await collect(message)).toString()).toBe(edited);
    const untouched = await messageFromRecord(record(bytes), null, pieces(bytes, size));
    expect(Buffer.concat(await collect(untouched)).toString()).toBe(text);
  });

  it('keeps edits of this attempt to itself', async () => {
    const bytes = Buffer.from(text);
    const stored = record(bytes, edits);
    const message = await messageFromRecord(stored, bytes, noChunks);
    message.headers.prepend('DKIM-Signature', 'v=1');
    expect(String((await collect(message))[0])).toBe(`DKIM-Signature: v=1\r\n${edited}`);
    expect(stored.headerEdits).toHaveLength(2);
    await expect(message.replaceBody()).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  it.each([true, false])('gives no last piece of bytes that are not those accepted (in memory: %s)', async (inline) => {
    const bytes = Buffer.from(`A: b\r\n\r\n${'x'.repeat(3 * chunkSize)}`);
    const damaged = Buffer.from(bytes);
    damaged[damaged.length - 1] = 0x79;
    for (const wrong of [damaged, bytes.subarray(0, -1), Buffer.concat([bytes, Buffer.from('z')])]) {
      const message = await messageFromRecord(record(bytes), inline ? wrong : null, pieces(wrong, chunkSize));
      let octets = 0;
      const reading = (async () => {
        for await (const piece of message.open()) octets += piece.length;
      })();
      await expect(reading).rejects.toMatchObject({ code: 'MESSAGE_CORRUPT' });
      expect(octets).toBeLessThan(wrong.length);
      expect(message.corrupt).toBe(true);
    }
  });

  it('says so when the body is gone', async () => {
    const stored = record(Buffer.from(text));
    await expect(messageFromRecord(stored, null, noChunks)).rejects.toMatchObject({ code: 'MESSAGE_CORRUPT' });
  });
});
