import { randomBytes } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chunkSize, type NewMessage } from '../../core/storage/ports/message-store.ts';
import { mail, recipient, refusal } from './mail.ts';
import type { OpenStorage, Storage } from './storage.ts';

/** What every adapter of `MessageStore` has to do. */
export function describeMessageStore(name: string, open: OpenStorage): void {
  describe(`${name} as a message store`, () => {
    let storage: Storage;
    beforeAll(async () => {
      storage = await open();
    });
    afterAll(() => storage.close());

    const received = async (pieces: readonly Uint8Array[]): Promise<NewMessage> => {
      const message = mail();
      await storage.messages.beginBody(message.facts.id);
      for (const [n, piece] of pieces.entries()) {
        await storage.messages.writeChunk(message.facts.id, n, Uint8Array.from(piece));
      }
      return { ...message, body: { kind: 'chunks', count: pieces.length } };
    };

    it('keeps record and body as they were handed over', async () => {
      const bytes = randomBytes(5_000);
      const message = mail({
        bytes: Uint8Array.from(bytes),
        recipients: [recipient('a@x.test'), recipient('b@y.test')],
      });
      await storage.messages.commit(message);
      const entry = await storage.mailLog.get(message.facts.id);
      expect(entry).toMatchObject({ kind: 'message', leased: false });
      const { recipients, nextAt, requested, ...facts } =
        (entry?.kind === 'message' && entry.record) || Object.assign({});
      expect(facts).toEqual(message.facts);
      expect(recipients).toEqual(message.recipients);
      expect(nextAt).toBe(message.recipients[0]?.nextAt);
      expect(requested).toBeNull();
      expect(await storage.messages.readChunk(message.facts.id, 0)).toEqual(Uint8Array.from(bytes));
      expect(await storage.messages.readChunk(message.facts.id, 1)).toBeNull();
    });

    it('keeps an empty body, and one as large as a piece may be', async () => {
      for (const size of [0, chunkSize]) {
        const bytes = new Uint8Array(size).fill(7);
        const message = mail({ bytes });
        await storage.messages.commit(message);
        const stored = await storage.messages.readChunk(message.facts.id, 0);
        expect(stored?.length).toBe(size);
        expect(stored?.every((byte) => byte === 7)).toBe(true);
      }
    });

    it('keeps many messages that come at once apart', async () => {
      const messages = Array.from({ length: 700 }, (_, n) => mail({ bytes: Buffer.from(`body ${n}`) }));
      await Promise.all(messages.map((message) => storage.messages.commit(message)));
      for (const n of [0, 1, 499, 500, 699]) {
        const body = await storage.messages.readChunk(messages[n]?.facts.id ?? '', 0);
        expect(Buffer.from(body ?? []).toString()).toBe(`body ${n}`);
      }
    });

    it('takes a large body in pieces, readable while it comes in', async () => {
      const pieces = [randomBytes(chunkSize), randomBytes(chunkSize), randomBytes(17)];
      const message = await received(pieces);
      expect(await storage.messages.readChunk(message.facts.id, 1)).toEqual(Uint8Array.from(pieces[1] ?? []));
      await storage.messages.commit(message);
      for (const [n, piece] of pieces.entries()) {
        expect(await storage.messages.readChunk(message.facts.id, n)).toEqual(Uint8Array.from(piece));
      }
      expect(await storage.messages.readChunk(message.facts.id, 3)).toBeNull();
      expect(await storage.mailLog.get(message.facts.id)).toMatchObject({ record: { id: message.facts.id } });
    });

    it('refuses to commit a large body that was given up, and forgets its pieces', async () => {
      const message = await received([randomBytes(10)]);
      storage.messages.abandonBody(message.facts.id);
      await expect(storage.messages.commit(message)).rejects.toMatchObject({ code: 'CONFLICT' });
      expect(await storage.mailLog.get(message.facts.id)).toBeNull();
      expect(await storage.messages.readChunk(message.facts.id, 0)).toBeNull();
    });

    it('refuses to commit a large body that is not there whole', async () => {
      const message = await received([randomBytes(10)]);
      const longer = { ...message, body: { kind: 'chunks', count: 2 } } as const;
      await expect(storage.messages.commit(longer)).rejects.toMatchObject({ code: 'CONFLICT' });
      expect(await storage.mailLog.get(message.facts.id)).toBeNull();
    });

    it('refuses pieces of a body that was never begun', async () => {
      await expect(storage.messages.writeChunk(uuidv7(), 0, new Uint8Array(1))).rejects.toMatchObject({
        code: 'CONFLICT',
      });
    });

    it('refuses a second message of the same id and keeps the first, and those that came with it', async () => {
      const first = mail({ bytes: Buffer.from('first') });
      await storage.messages.commit(first);
      const second = { ...mail({ bytes: Buffer.from('second') }), facts: first.facts };
      const other = mail();
      const [again, along] = await Promise.allSettled([
        storage.messages.commit(second),
        storage.messages.commit(other),
      ]);
      expect(again).toMatchObject({ status: 'rejected', reason: { code: 'CONFLICT' } });
      expect(along.status).toBe('fulfilled');
      expect(await storage.messages.readChunk(first.facts.id, 0)).toEqual(Uint8Array.from(Buffer.from('first')));
      expect(await storage.mailLog.get(other.facts.id)).not.toBeNull();
    });

    it('keeps a message that a plugin disposed of in the log, without its body', async () => {
      const gone = recipient('x@x.test', { state: 'discarded', nextAt: null, finalAt: Date.now() });
      const message = mail({ recipients: [gone] });
      await storage.messages.commit(message);
      expect(await storage.mailLog.get(message.facts.id)).toMatchObject({
        record: { recipients: [gone], nextAt: null },
      });
      expect(await storage.messages.readChunk(message.facts.id, 0)).toBeNull();
    });

    it('keeps refused transactions in the log', async () => {
      const record = refusal({ outcome: 'aborted', reply: null, ownerId: null, credentialId: null });
      storage.messages.recordRefusal(record);
      await storage.messages.commit(mail());
      expect(await storage.mailLog.get(record.id)).toEqual({ kind: 'refusal', record });
    });

    it('keeps at most 60 refused transactions a minute and address, and counts the rest', async () => {
      const at = Date.UTC(2031, 0, 1);
      const source = { ...refusal().source, clientAddress: '198.51.100.9' };
      const flood = Array.from({ length: 75 }, () => refusal({ at, source, ownerId: 'flooder' }));
      for (const record of flood) storage.messages.recordRefusal(record);
      await storage.messages.commit(mail());
      const { items } = await storage.mailLog.list({ ownerId: 'flooder' }, { limit: 100 });
      expect(items).toHaveLength(60);
      const rows = await storage.mailLog.statistics({ ownerId: 'flooder', from: at, until: at + 1 });
      expect(rows.map((row) => row.refused)).toEqual([75]);
    });

    it('has room', () => {
      expect(storage.messages.hasRoom()).toBe(true);
    });

    it('rejects an id that is no UUID', async () => {
      const commit = async (): Promise<void> => storage.messages.commit(mail({ facts: { id: '../etc/passwd' } }));
      await expect(commit()).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
    });

    it('has everything after a restart', async () => {
      const small = mail({ bytes: Buffer.from('small') });
      const large = await received([randomBytes(chunkSize), Buffer.from('tail')]);
      await Promise.all([storage.messages.commit(small), storage.messages.commit(large)]);
      storage = await storage.reopen();
      expect(await storage.messages.readChunk(small.facts.id, 0)).toEqual(Uint8Array.from(Buffer.from('small')));
      expect(await storage.messages.readChunk(large.facts.id, 1)).toEqual(Uint8Array.from(Buffer.from('tail')));
      expect((await storage.mailLog.conservation()).balanced).toBe(true);
    });
  });
}
