import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MessageFacts, RecipientRecord } from '../../core/domain/message.ts';
import type { Claim } from '../../core/storage/ports/delivery-store.ts';
import type { QueueFilter } from '../../core/storage/ports/mail-log.ts';
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
      expect(await storage.queueActions.act(id, { do: 'retry' })).toBe('done');
      const [one] = await claim(storage.deliveries);
      expect(one?.record).toMatchObject({ id, recipients: [{ state: 'deferred', attempts: 3 }] });
    });

    it('cancels', async () => {
      const id = await waiting();
      expect(await storage.queueActions.act(id, { do: 'cancel' })).toBe('done');
      expect(await recipientsOf(id)).toMatchObject([{ state: 'cancelled', nextAt: null, finalAt: expect.any(Number) }]);
      expect(await storage.queueActions.act(id, { do: 'cancel' })).toBe('unchanged');
      expect(await storage.mailLog.queueState()).toMatchObject({ messages: 0 });
      expect(await storage.mailLog.conservation()).toMatchObject({ balanced: true, states: { cancelled: 1 } });
    });

    it('holds until released', async () => {
      const id = await waiting({ nextAt: Date.now() });
      expect(await storage.queueActions.act(id, { do: 'hold' })).toBe('done');
      expect(await storage.queueActions.act(id, { do: 'hold' })).toBe('unchanged');
      expect(await recipientsOf(id)).toMatchObject([{ state: 'held', nextAt: null }]);
      expect(await claimNow(storage.deliveries)).toEqual([]);
      expect(await storage.queueActions.act(id, { do: 'retry' })).toBe('unchanged');
      expect(await storage.queueActions.act(id, { do: 'release' })).toBe('done');
      expect(await storage.queueActions.act(id, { do: 'release' })).toBe('unchanged');
      const [one] = await claim(storage.deliveries);
      expect(one?.record).toMatchObject({ id, recipients: [{ state: 'queued' }] });
    });

    it('cancels what a worker holds when that one settles, keeping what it delivered', async () => {
      const one = await claimed();
      const [a, b] = one.record.recipients;
      if (a === undefined || b === undefined) throw new Error('two recipients were expected');
      expect(await storage.queueActions.act(one.record.id, { do: 'cancel' })).toBe('requested');
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
      expect(await storage.queueActions.act(first.record.id, { do: 'hold' })).toBe('requested');
      expect(await give(first)).toEqual({ status: 'settled', requested: { do: 'hold' } });
      expect(await recipientsOf(first.record.id)).toMatchObject([{ state: 'held' }, { state: 'held' }]);

      const second = await claimed();
      expect(await storage.queueActions.act(second.record.id, { do: 'hold' })).toBe('requested');
      expect(await storage.queueActions.act(second.record.id, { do: 'release' })).toBe('done');
      expect(await give(second)).toEqual({ status: 'settled', requested: null });
      expect(await recipientsOf(second.record.id)).toMatchObject([{ state: 'queued' }, { state: 'queued' }]);
    });

    it('does not forget a request when the worker crashes', async () => {
      const one = await claimed();
      await storage.queueActions.act(one.record.id, { do: 'cancel' });
      storage = await storage.crash();
      expect(await recipientsOf(one.record.id)).toMatchObject([{ state: 'cancelled' }, { state: 'cancelled' }]);
    });

    it('has mail bounced by a worker, held mail too, once', async () => {
      const id = await waiting({ state: 'held', nextAt: null });
      expect(await storage.queueActions.act(id, { do: 'bounce' })).toBe('requested');
      expect(await storage.queueActions.act(id, { do: 'bounce' })).toBe('unchanged');
      const [one] = await claim(storage.deliveries);
      expect(one?.record).toMatchObject({ id, recipients: [{ state: 'queued', bounceOrdered: true }] });
    });

    it('takes a bounce back that no worker began', async () => {
      const id = await waiting({ nextAt: Date.now() });
      await storage.queueActions.act(id, { do: 'bounce' });
      expect(await storage.queueActions.act(id, { do: 'hold' })).toBe('done');
      await storage.queueActions.act(id, { do: 'release' });
      const [one] = await claim(storage.deliveries);
      expect(one?.record.recipients[0]).not.toHaveProperty('bounceOrdered');
    });

    it('reroutes and makes due, but leaves held mail held', async () => {
      const order = { do: 'reroute', upstream: 'second' } as const;
      const held = await waiting({ state: 'held', nextAt: null });
      expect(await storage.queueActions.act(held, order)).toBe('done');
      expect(await storage.queueActions.act(held, order)).toBe('unchanged');
      expect(await recipientsOf(held)).toMatchObject([{ state: 'held', nextAt: null, reroutedTo: 'second' }]);
      const id = await waiting({ state: 'deferred', attempts: 1, upstream: 'first' });
      expect(await storage.queueActions.act(id, order)).toBe('done');
      const [one] = await claim(storage.deliveries);
      expect(one?.record).toMatchObject({ id, recipients: [{ reroutedTo: 'second', upstream: 'second' }] });
    });

    it.each([
      [{ do: 'bounce' }, { bounceOrdered: true }],
      [{ do: 'reroute', upstream: 'second' }, { reroutedTo: 'second' }],
    ] as const)('honours %j on what a worker holds when that one settles, and makes it due', async (order, mark) => {
      const one = await claimed();
      const [a, b] = one.record.recipients;
      if (a === undefined || b === undefined) throw new Error('two recipients were expected');
      expect(await storage.queueActions.act(one.record.id, order)).toBe('requested');
      expect(await storage.queueActions.act(one.record.id, order)).toBe('unchanged');
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
      expect(settled.requested).toEqual(order);
      const after = await recipientsOf(one.record.id);
      expect(after).toMatchObject([{ state: 'delivered' }, { state: 'deferred', ...mark }]);
      expect(after[0]).not.toMatchObject(mark);
      const [again] = await claim(storage.deliveries);
      expect(again?.record.id).toBe(one.record.id);
    });

    it('touches only the recipients that are meant, at once and when a worker settles', async () => {
      const message = mail({ recipients: [recipient('a@x.test'), recipient('b@y.test'), recipient('c@z.test')] });
      const { id } = message.facts;
      await storage.messages.commit(message);
      expect(await storage.queueActions.act(id, { do: 'hold', of: { domain: 'X.test' } })).toBe('done');
      expect(await recipientsOf(id)).toMatchObject([{ state: 'held' }, { state: 'queued' }, { state: 'queued' }]);
      const [one] = await claim(storage.deliveries);
      if (one === undefined) throw new Error('nothing was claimed');
      await storage.queueActions.act(id, { do: 'cancel', of: { address: 'B@y.test' } });
      await storage.queueActions.act(id, { do: 'hold', of: { state: 'queued' } });
      await storage.deliveries.settle({
        lease: one.lease,
        recipients: [],
        attempts: [],
        generated: [],
        release: true,
      });
      expect(await recipientsOf(id)).toMatchObject([{ state: 'held' }, { state: 'cancelled' }, { state: 'held' }]);
    });

    it('acts on many in one commit, and counts', async () => {
      const ids = [await waiting(), await waiting(), await waiting({ state: 'held', nextAt: null }), uuidv7()];
      const order = { do: 'hold' } as const;
      expect(await storage.queueActions.actOn(ids, order)).toEqual({ done: 2, requested: 0, unchanged: 2 });
      expect(await storage.mailLog.queueState()).toMatchObject({ held: 3 });
    });

    it('finds the open messages that a filter means, piece by piece', async () => {
      const put = async (facts: Partial<MessageFacts>, ...recipients: RecipientRecord[]): Promise<string> => {
        const message = mail({ facts, recipients });
        await storage.messages.commit(message);
        return message.facts.id;
      };
      const one = await put({ acceptedAt: 1_000 }, recipient('a@x.test'), recipient('b@y.test', { upstream: 'first' }));
      const two = await put({ acceptedAt: 2_000, ownerId: 'owner-2' }, recipient('c@X.test', { state: 'deferred' }));
      await put({ acceptedAt: 3_000 }, finished(recipient('a@x.test')));
      const half = await put({ acceptedAt: 4_000 }, finished(recipient('a@x.test')), recipient('d@z.test'));
      const found = async (filter: QueueFilter) => (await storage.mailLog.queueMatches(filter, { limit: 10 })).items;
      expect(await found({})).toEqual([one, two, half]);
      expect(await found({ domain: 'x.TEST' })).toEqual([one, two]);
      expect(await found({ domain: 'x.test', state: 'deferred' })).toEqual([two]);
      expect(await found({ address: 'A@x.test' })).toEqual([one]);
      expect(await found({ upstream: 'first' })).toEqual([one]);
      expect(await found({ upstream: 'first', domain: 'x.test' })).toEqual([]);
      expect(await found({ ownerId: 'owner-2' })).toEqual([two]);
      expect(await found({ ownerId: 'nobody' })).toEqual([]);
      expect(await found({ credentialId: 'credential-1', from: 2_000, until: 4_000 })).toEqual([two]);
      const first = await storage.mailLog.queueMatches({}, { limit: 2 });
      expect(first).toEqual({ items: [one, two], next: expect.any(String) });
      const rest = await storage.mailLog.queueMatches({}, { limit: 2, after: first.next ?? '' });
      expect(rest).toEqual({ items: [half], next: null });
    });

    it('leaves finished mail alone, and tells what does not exist', async () => {
      const one = await claimed();
      expect(await storage.queueActions.act(one.record.id, { do: 'retry' })).toBe('unchanged');
      await finish(storage.deliveries, one);
      for (const action of ['retry', 'cancel', 'hold', 'release', 'bounce'] as const) {
        expect(await storage.queueActions.act(one.record.id, { do: action })).toBe('unchanged');
        expect(await storage.queueActions.act(uuidv7(), { do: action })).toBe('not-found');
        expect(await storage.queueActions.act("' OR 1=1", { do: action })).toBe('not-found');
      }
    });
  });
}
