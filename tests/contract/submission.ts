import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../core/domain/clock.ts';
import { pluginIdentity } from '../../core/domain/identity.ts';
import { strictAddresses } from '../../core/domain/mailbox.ts';
import { messageFromRecord } from '../../core/spool/message-from-record.ts';
import { createSend } from '../../core/spool/submission.ts';
import { claim, finish } from './mail.ts';
import type { OpenStorage, Storage } from './storage.ts';

const limits = { size: 10_000_000, header_size: 100_000, recipients: 100 };

/** The service `send`: what a plugin hands over is claimed, read and counted like any other mail. */
export function describeSubmission(name: string, open: OpenStorage): void {
  describe(`mail that plugins send, on ${name}`, () => {
    let storage: Storage;
    beforeEach(async () => {
      storage = await open();
    });
    afterEach(() => storage.close());

    const send = (content: Uint8Array, recipients = ['to@example.com']) =>
      createSend({
        store: storage.messages,
        clock: systemClock,
        hostname: 'relay.example',
        addresses: strictAddresses,
        limits,
      }).send({ sender: 'from@example.org', recipients, content, identity: pluginIdentity('bridge'), notes: { a: 1 } });

    it.each([
      ['small', 'body\n'],
      ['large', 'another line\n'.repeat(50_000)],
    ])('a %s message reaches the worker whole, with its notes', async (_, body) => {
      const { id } = await send(Buffer.from(`Date: x\nMessage-ID: <y>\n\n${body}`));
      const [claimed] = await claim(storage.deliveries);
      if (claimed === undefined) throw new Error('nothing to claim');
      expect(claimed.record).toMatchObject({ id, origin: 'submitted', ownerId: 'plugin:bridge', notes: { a: 1 } });
      const stored = await messageFromRecord(claimed.record, claimed.body, (of, n) =>
        storage.deliveries.readChunk(of, n),
      );
      const pieces: Uint8Array[] = [];
      for await (const piece of stored.open()) pieces.push(piece);
      const expected = `Date: x\r\nMessage-ID: <y>\r\n\r\n${body.replaceAll('\n', '\r\n')}`;
      expect(Buffer.concat(pieces).toString() === expected).toBe(true);
    });

    it('is part of the sum, as accepted, until it is final and after', async () => {
      await send(Buffer.from('A: b\n\nc\n'), ['one@example.com', 'two@example.com']);
      expect(await storage.mailLog.conservation()).toMatchObject({
        accepted: 2,
        generated: 0,
        balanced: true,
        states: { queued: 2 },
      });
      const [claimed] = await claim(storage.deliveries);
      if (claimed === undefined) throw new Error('nothing to claim');
      await finish(storage.deliveries, claimed);
      expect(await storage.mailLog.conservation()).toMatchObject({
        accepted: 2,
        generated: 0,
        balanced: true,
        states: { queued: 0, delivered: 2 },
      });
    });
  });
}
