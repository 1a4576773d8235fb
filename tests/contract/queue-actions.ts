import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RecipientRecord } from '../../core/domain/message.ts';
import type { Claim } from '../../core/storage/ports/delivery-store.ts';
import { claim, claimNow, deferred, finish, finished, mail, recipient } from './mail.ts';
import type { OpenStorage, Storage } from './storage.ts';

/** What every adapter of `QueueActions` has to do. */
export function describeQueueActions(name: string, open: OpenStorage): void {
  describe(`${name} as the place where operators act on the queue`, () => {
    let storage: Storage;
    beforeEach(async () => {
      storage = await open();
    });
    afterEach(() => storage.close());

    const waiting = async (change: Partial<RecipientRecord> = {}): Promise<string> => {
      const message = mail({ recipients: [recipient('to@example.com', { nextAt: Date.now() + 600_000, ...change })] });
      await storage.messages.commit(message);
      return message.facts.id;
    };
    const claimed = async (): Promise<Claim> => {
      await storage.messages.commit(mail({ recipients: [recipient('a@x.test'), recipient('b@x.test')] }));
      const [one] = await claim(storage.deliveries);
      if (one === undefined) throw new Error('nothing was claimed');
      return one;
    };
    const recipientsOf = async (id: string): Promise<readonly RecipientRecord[]> => {
      const entry = await storage.mailLog.get(id);
      if (entry?.kind !== 'message') throw new Error(`${id} is no message`);
      return entry.record.recipients;
    };

    it('retries at once what waits for its time', async () => {
      const id = await waiting({ state: 'deferred', attempts: 3 });
      expect(await claimNow(storage.deliveries)).toEqual([]);
      expect(await storage.queueActions.act(id, 'retry')).toBe('done');
      const [one] = await claim(storage.deliveries);
      expect(one?.record).toMatchObject({ id, recipients: [{ state: 'deferred', attempts: 3 }] });
    });

    it('cancels', async () => {
      const id = await waiting();
      expect(await storage.queueActions.act(id, 'cancel')).toBe('done');
      expect(await recipientsOf(id)).toMatchObject([{ state: 'cancelled', nextAt: null, finalAt: expect.any(Number) }]);
      expect(await storage.queueActions.act(id, 'cancel')).toBe('unchanged');
      expect(await storage.mailLog.queueState()).toMatchObject({ messages: 0 });
      expect(await storage.mailLog.conservation()).toMatchObject({ balanced: true, states: { cancelled: 1 } });
    });

    it('holds until released', async () => {
      const id = await waiting({ nextAt: Date.now() });
      expect(await storage.queueActions.act(id, 'hold')).toBe('done');
      expect(await storage.queueActions.act(id, 'hold')).toBe('unchanged');
      expect(await recipientsOf(id)).toMatchObject([{ state: 'held', nextAt: null }]);
      expect(await claimNow(storage.deliveries)).toEqual([]);
      expect(await storage.queueActions.act(id, 'retry')).toBe('unchanged');
      expect(await storage.queueActions.act(id, 'release')).toBe('done');
      expect(await storage.queueActions.act(id, 'release')).toBe('unchanged');
      const [one] = await claim(storage.deliveries);
      expect(one?.record).toMatchObject({ id, recipients: [{ state: 'queued' }] });
    });

    it('cancels what a worker holds when that one settles, keeping what it delivered', async () => {
      const one = await claimed();
      const [a, b] = one.record.recipients;
      if (a === undefined || b === undefined) throw new Error('two recipients were expected');
      expect(await storage.queueActions.act(one.record.id, 'cancel')).toBe('requested');
      expect(await recipientsOf(one.record.id)).toMatchObject([{ state: 'queued' }, { state: 'queued' }]);
      const settled = await storage.deliveries.settle({
        lease: one.lease,
        recipients: [
          { index: 0, recipient: finished(a) },
          { index: 1, recipient: deferred(b, Date.now() + 600_000) },
        ],
        attempts: [],
        generated: [],
        release: true,
      });
      expect(settled).toEqual({ status: 'settled', requested: { do: 'cancel' } });
      expect(await recipientsOf(one.record.id)).toMatchObject([{ state: 'delivered' }, { state: 'cancelled' }]);
    });

    it('holds what a worker gives back, unless the request was taken back', async () => {
      const give = async (one: Claim): Promise<unknown> =>
        storage.deliveries.settle({ lease: one.lease, recipients: [], attempts: [], generated: [], release: true });
      const first = await claimed();
      expect(await storage.queueActions.act(first.record.id, 'hold')).toBe('requested');
      expect(await give(first)).toEqual({ status: 'settled', requested: { do: 'hold' } });
      expect(await recipientsOf(first.record.id)).toMatchObject([{ state: 'held' }, { state: 'held' }]);

      const second = await claimed();
      expect(await storage.queueActions.act(second.record.id, 'hold')).toBe('requested');
      expect(await storage.queueActions.act(second.record.id, 'release')).toBe('done');
      expect(await give(second)).toEqual({ status: 'settled', requested: null });
      expect(await recipientsOf(second.record.id)).toMatchObject([{ state: 'queued' }, { state: 'queued' }]);
    });

    it('does not forget a request when the worker crashes', async () => {
      const one = await claimed();
      await storage.queueActions.act(one.record.id, 'cancel');
      storage = await storage.crash();
      expect(await recipientsOf(one.record.id)).toMatchObject([{ state: 'cancelled' }, { state: 'cancelled' }]);
    });

    it('leaves finished mail alone, and tells what does not exist', async () => {
      const one = await claimed();
      expect(await storage.queueActions.act(one.record.id, 'retry')).toBe('unchanged');
      await finish(storage.deliveries, one);
      for (const action of ['retry', 'cancel', 'hold', 'release'] as const) {
        expect(await storage.queueActions.act(one.record.id, action)).toBe('unchanged');
        expect(await storage.queueActions.act(uuidv7(), action)).toBe('not-found');
        expect(await storage.queueActions.act("' OR 1=1", action)).toBe('not-found');
      }
    });
  });
}
