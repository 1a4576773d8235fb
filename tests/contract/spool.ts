import { createHash } from 'node:crypto';
import { pino } from 'pino';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../core/domain/clock.ts';
import { session, transaction } from '../../core/pipeline/testing.ts';
import { messageFromRecord } from '../../core/spool/message-from-record.ts';
import { MessageIntake } from '../../core/spool/message-intake.ts';
import { createSpool } from '../../core/spool/spool.ts';
import { MemoryCounters } from '../../core/storage/memory/counters.ts';
import type { OpenStorage, Storage } from './storage.ts';

const head = 'Subject: hello\r\nDate: x\r\nMessage-ID: <y>\r\n\r\n';
const smallBody = 'body\r\n';
const largeBody = '0123456789abcd\r\n'.repeat(40_000);
const otherBody = 'another line\r\n'.repeat(50_000);

/** The whole way of the bytes: intake, edits, commit, claim, and the worker's view of them. */
export function describeSpool(name: string, open: OpenStorage): void {
  describe(`the spool on ${name}`, () => {
    let storage: Storage;
    beforeEach(async () => {
      storage = await open();
    });
    afterEach(() => storage.close());

    /** Takes a message in, has it changed, commits it; answers what a worker then reads and what is stored. */
    async function travel(
      text: string,
      change: (message: Awaited<ReturnType<MessageIntake['finish']>>) => Promise<void>,
    ) {
      const clock = systemClock;
      const counters = new MemoryCounters({ clock });
      const log = pino({ level: 'silent' });
      const spool = createSpool({ store: storage.messages, counters, clock, log, hostname: 'relay.example' });
      const s = session();
      const t = transaction({ id: uuidv7(), session: s, recipients: ['someone@example.com'] });
      const intake = new MessageIntake(storage.messages, t.id);
      await intake.write(Buffer.from(text));
      const message = await intake.finish();
      await change(message);
      await spool.commit(s, t, message);
      const [claim] = await storage.deliveries.claim({
        limit: 1,
        worker: 'w',
        leaseMilliseconds: 45_000,
        signal: new AbortController().signal,
      });
      if (claim === undefined) throw new Error('nothing to claim');
      const readChunk = (id: string, n: number) => storage.deliveries.readChunk(id, n);
      const stored = await messageFromRecord(claim.record, claim.body, readChunk);
      const pieces: Uint8Array[] = [];
      for await (const piece of stored.open()) pieces.push(piece);
      return { view: Buffer.concat(pieces).toString(), record: claim.record };
    }

    it.each([
      ['small', smallBody],
      ['large', largeBody],
    ])('keeps a %s message, and shows its edits to the worker', async (_, body) => {
      const { view, record } = await travel(head + body, async ({ headers }) => {
        headers.prepend('Received', 'by us');
        headers.replace('Subject', 0, 'changed');
      });
      expect(view).toBe(`Received: by us\r\n${head.replace('hello', 'changed')}${body}`);
      expect(record.sha256).toBe(
        createHash('sha256')
          .update(head + body)
          .digest('hex'),
      );
    });

    it.each([
      ['small by small', smallBody, 'new\r\n'],
      ['small by large', smallBody, otherBody],
      ['large by small', largeBody, 'new\r\n'],
      ['large by large', largeBody, otherBody],
    ])('stores the new body where a plugin replaced %s', async (_, old, body) => {
      const { view, record } = await travel(head + old, (message) => message.replaceBody(Buffer.from(body)));
      expect(view).toBe(head + body);
      expect(record.size).toBe(head.length + body.length);
    });
  });
}
