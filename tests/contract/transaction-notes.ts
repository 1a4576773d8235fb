import { pino } from 'pino';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../core/domain/clock.ts';
import type { TransactionNotes } from '../../core/domain/notes.ts';
import { transaction } from '../../core/pipeline/testing/fake-session.ts';
import { MessageIntake } from '../../core/spool/message-intake.ts';
import { createSpool } from '../../core/spool/spool.ts';
import { MemoryCounters } from '../../core/storage/memory/counters.ts';
import { claim } from './mail.ts';
import type { OpenStorage, Storage } from './storage.ts';

/** What plugins leave in the notes of a transaction reaches the worker as JSON, whatever else stood there. */
export function describeTransactionNotes(name: string, open: OpenStorage): void {
  describe(`the notes of a transaction, on ${name}`, () => {
    let storage: Storage;
    beforeEach(async () => {
      storage = await open();
    });
    afterEach(() => storage.close());

    it('reach the worker as JSON has them; live objects by toJSON, without what JSON cannot hold', async () => {
      const broken: Record<string, unknown> = {};
      broken.self = broken;
      const live = { connection: broken, words: ['a'], toJSON: () => ({ words: live.words }) };
      const notes = { live, broken, call: () => 1, 'a.dotted $key': { deep: [1, null, 'ä'] } };
      const given = transaction({ id: uuidv7(), recipients: ['to@example.com'], notes: notes as TransactionNotes });
      const store = storage.messages;
      const intake = new MessageIntake(store, given.id);
      await intake.write(Buffer.from('Subject: x\r\n\r\n'));
      const counters = new MemoryCounters({ clock: systemClock });
      const log = pino({ level: 'silent' });
      const spool = createSpool({ store, counters, clock: systemClock, log, hostname: 'relay.example' });
      await spool.commit(given.session, given, await intake.finish());
      const [claimed] = await claim(storage.deliveries);
      expect(claimed?.record.notes).toEqual({ live: { words: ['a'] }, 'a.dotted $key': { deep: [1, null, 'ä'] } });
    });
  });
}
