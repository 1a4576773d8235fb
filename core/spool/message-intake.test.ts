import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SluiceError } from '../domain/errors.ts';
import { chunkSize } from '../storage/ports/message-store.ts';
import { MessageIntake } from './message-intake.ts';
import type { SpooledMessage } from './spooled-message.ts';
import { MemoryMessageStore } from './testing/memory-message-store.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function whole(message: SpooledMessage): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of message.open()) pieces.push(piece);
  return Buffer.concat(pieces).toString('latin1');
}

async function receive(store: MemoryMessageStore, text: string, pieceSize = 64 * 1024): Promise<SpooledMessage> {
  const intake = new MessageIntake(store, 'm');
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += pieceSize) {
    const piece = Buffer.from(bytes.subarray(at, at + pieceSize));
    await intake.write(piece);
    // Bytes are the caller's again: what happens to them now must not matter.
    piece.fill(0x21);
  }
  expect(intake.size).toBe(bytes.length);
  return await intake.finish();
}

const head = 'From: a@example.com\r\nSubject: hello\r\n\r\n';
const large = `${head}${'0123456789abcde\r\n'.repeat(50_000)}`;

describe('MessageIntake', () => {
  it('answers plain values for a small message, and hands over bytes of their own', () => {
    const intake = new MessageIntake(new MemoryMessageStore(), 'm');
    expect(intake.write(Buffer.from(head))).toBeUndefined();
    expect(intake.write(Buffer.from('body\r\n'))).toBeUndefined();
    const message = intake.finish();
    if (message instanceof Promise) throw new Error('a promise for a small message');
    const { body, size, sha256: hash } = message.received;
    expect([size, hash]).toEqual([head.length + 6, sha256(Buffer.from(`${head}body\r\n`))]);
    expect(body.kind === 'inline' && body.bytes.byteLength === body.bytes.buffer.byteLength).toBe(true);
    expect(message.headers.get('subject')).toBe('hello');
  });

  it.each([0, 1, 8_191, 8_192, 8_193, chunkSize - 1, chunkSize, chunkSize + 1, 2 * chunkSize, 2 * chunkSize + 1])(
    'keeps %i octets of body as they are, in memory or in the store',
    async (length) => {
      const store = new MemoryMessageStore();
      const text = `A: b\r\n\r\n${'x'.repeat(length)}`;
      const message = await receive(store, text);
      expect(await whole(message)).toBe(text);
      expect(message.received).toMatchObject({ size: text.length, sha256: sha256(Buffer.from(text)) });
      const { body } = message.received;
      expect(body.kind).toBe(text.length <= chunkSize ? 'inline' : 'chunks');
      if (body.kind === 'chunks') expect(body.count).toBe(Math.ceil(text.length / chunkSize));
    },
  );

  it('takes a message without a single octet', () => {
    const message = new MessageIntake(new MemoryMessageStore(), 'm').finish();
    if (message instanceof Promise) throw new Error('a promise for a small message');
    expect(message.received).toMatchObject({ size: 0, sha256: sha256(Buffer.alloc(0)) });
    expect(message.headers.fields()).toEqual([]);
  });

  it('is the same message however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 300_000 }), { minLength: 1, maxLength: 6 }),
        async (lengths) => {
          const store = new MemoryMessageStore();
          const intake = new MessageIntake(store, 'm', { expectedSize: lengths[0] });
          const pieces = lengths.map((length, n) => Buffer.alloc(length, 0x41 + n));
          // Without waiting: order must hold all the same.
          const writes = pieces.map((piece) => intake.write(piece));
          await Promise.all(writes);
          const message = await intake.finish();
          expect(message.received.sha256).toBe(sha256(Buffer.concat(pieces)));
          expect(sha256(Buffer.from(await whole(message), 'latin1'))).toBe(message.received.sha256);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('never hands the store more than a piece at a time', async () => {
    const store = new MemoryMessageStore();
    await receive(store, large, 700_000);
    expect(store.mostPending).toBeLessThanOrEqual(chunkSize);
  });

  it('edits headers of a large message without touching what is stored', async () => {
    const message = await receive(new MemoryMessageStore(), large);
    message.headers.prepend('Received', 'by us');
    message.headers.replace('Subject', 0, 'changed');
    const expected = `Received: by us\r\nFrom: a@example.com\r\nSubject: changed\r\n\r\n${large.slice(head.length)}`;
    expect(await whole(message)).toBe(expected);
    expect(message.received.sha256).toBe(sha256(Buffer.from(large)));
  });

  it('reads a header block that is longer than a piece', async () => {
    const long = `A: ${`${'x'.repeat(70)}\r\n `.repeat(8_000)}end\r\nSubject: last\r\n\r\nbody\r\n`;
    const message = await receive(new MemoryMessageStore(), long);
    expect(message.headers.get('subject')).toBe('last');
    message.headers.append('X-A', '1');
    expect(await whole(message)).toBe(long.replace('last\r\n', 'last\r\nX-A: 1\r\n'));
  });

  it('says what the store says, then and for good', async () => {
    const store = new MemoryMessageStore();
    const intake = new MessageIntake(store, 'm');
    store.failure = new SluiceError('STORE_FULL', 'full');
    await expect(intake.write(Buffer.alloc(3 * chunkSize))).rejects.toThrow('full');
    store.failure = null;
    await expect(intake.write(Buffer.from('x'))).rejects.toThrow('full');
    await expect(intake.finish()).rejects.toThrow('full');
  });

  it('leaves nothing in the store when abandoned, before or after the end', async () => {
    const store = new MemoryMessageStore();
    const intake = new MessageIntake(store, 'm');
    await intake.write(Buffer.alloc(3 * chunkSize));
    expect(store.pieces.size).toBe(1);
    intake.abandon();
    expect(store.pieces.size).toBe(0);
    (await receive(store, large)).abandon();
    expect(store.pieces.size).toBe(0);
  });
});

describe('replaceBody', () => {
  it.each([
    ['small by small', `${head}old\r\n`, 'new\r\n'],
    ['small by large', `${head}old\r\n`, 'new line\r\n'.repeat(60_000)],
    ['large by small', large, 'new\r\n'],
    ['large by large', large, 'new line\r\n'.repeat(60_000)],
  ])('puts %s', async (_, old, body) => {
    const store = new MemoryMessageStore();
    const message = await receive(store, old);
    message.headers.append('X-A', '1');
    await message.replaceBody(Buffer.from(body));
    const stored = `${head}${body}`;
    expect(message.received).toMatchObject({ size: stored.length, sha256: sha256(Buffer.from(stored)) });
    expect(await whole(message)).toBe(stored.replace('hello\r\n', 'hello\r\nX-A: 1\r\n'));
    expect(store.pieces.size).toBe(message.received.body.kind === 'chunks' ? 1 : 0);
  });

  it('can be fed from the old body', async () => {
    const store = new MemoryMessageStore();
    const message = await receive(store, large);
    const old = message.open();
    await message.replaceBody(
      (async function* upperCase() {
        for await (const piece of old) yield Buffer.from(Buffer.from(piece).toString('latin1').toUpperCase(), 'latin1');
      })(),
    );
    expect(await whole(message)).toBe(`${head}${large.toUpperCase()}`);
  });

  it('makes every line break CRLF, at whatever place the pieces are cut, and refuses a NUL', async () => {
    const body = 'a\nb\rc\r\nd\r\r\n\n\re';
    for (let cut = 0; cut <= body.length; cut++) {
      const message = await receive(new MemoryMessageStore(), head);
      const pieces = [Buffer.from(body.slice(0, cut)), Buffer.from(body.slice(cut))];
      await message.replaceBody(
        (async function* both() {
          yield* pieces;
        })(),
      );
      expect(await whole(message)).toBe(`${head}a\r\nb\r\nc\r\nd\r\n\r\n\r\n\r\ne\r\n`);
    }
    const message = await receive(new MemoryMessageStore(), `${head}old\r\n`);
    await expect(message.replaceBody(Buffer.from('a\0b'))).rejects.toThrow(RangeError);
    expect(await whole(message)).toBe(`${head}old\r\n`);
  });

  it('keeps the old body and leaves nothing behind when the new one fails', async () => {
    const store = new MemoryMessageStore();
    const message = await receive(store, large);
    const failing = (async function* () {
      yield Buffer.alloc(2 * chunkSize, 0x61);
      throw new Error('source failed');
    })();
    await expect(message.replaceBody(failing)).rejects.toThrow('source failed');
    expect(await whole(message)).toBe(large);
    expect([...store.pieces.keys()]).toEqual(['m']);
  });
});
