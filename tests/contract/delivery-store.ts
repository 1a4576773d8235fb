import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Attempt } from '../../core/domain/message.ts';
import { chunkSize } from '../../core/storage/ports/message-store.ts';
import { claim, claimNow, deferred, finish, finished, mail, recipient } from './mail.ts';
import type { OpenStorage, Storage } from './storage.ts';

/** What every adapter of `DeliveryStore` has to do. */
export function describeDeliveryStore(name: string, open: OpenStorage): void {
  describe(`${name} as a delivery store`, () => {
    let storage: Storage;
    beforeEach(async () => {
      storage = await open({ ambiguousDelay: 0 });
    });
    afterEach(() => storage.close());

    const attempt = (messageId: string, change: Partial<Attempt> = {}): Attempt => ({
      messageId,
      at: Date.now(),
      upstream: 'default',
      host: '192.0.2.25:25',
      phase: 'done',
      tls: 'TLSv1.3',
      milliseconds: 12,
      ambiguous: false,
      results: [{ recipient: 'to@example.com', state: 'delivered', reply: '250 2.0.0 ok' }],
      ...change,
    });

    it('hands a waiting claim the message that comes in, with its body', async () => {
      const waiting = claim(storage.deliveries);
      const message = mail({ bytes: Buffer.from('hello') });
      await storage.messages.commit(message);
      const [one, ...more] = await waiting;
      expect(more).toEqual([]);
      expect(one?.record).toEqual({
        ...message.facts,
        recipients: message.recipients,
        nextAt: message.recipients[0]?.nextAt,
        requested: null,
      });
      expect(Buffer.from(one?.body ?? []).toString()).toBe('hello');
      expect(one?.lease.messageId).toBe(message.facts.id);
      expect(await storage.mailLog.get(message.facts.id)).toMatchObject({ leased: true });
    });

    it('hands out what came before, the oldest first, and no message twice', async () => {
      const start = Date.now() - 60_000;
      const messages = [5, 1, 4, 2, 3].map((age) =>
        mail({
          recipients: [recipient('a@x.test', { nextAt: start - age * 1_000 })],
          bytes: Buffer.from(`age ${age}`),
        }),
      );
      for (const message of messages) await storage.messages.commit(message);
      storage = await storage.reopen();
      const first = await claim(storage.deliveries, 2);
      const rest = await claim(storage.deliveries, 10);
      expect([...first, ...rest].map(({ body }) => Buffer.from(body ?? []).toString())).toEqual([
        'age 5',
        'age 4',
        'age 3',
        'age 2',
        'age 1',
      ]);
      expect(await claimNow(storage.deliveries)).toEqual([]);
    });

    it('gives fresh mail and the backlog half of the places each', async () => {
      const old = Date.now() - 3_600_000;
      const backlog = Array.from({ length: 20 }, () =>
        mail({ recipients: [recipient('old@x.test', { state: 'deferred', attempts: 1, nextAt: old })] }),
      );
      await Promise.all(backlog.map((message) => storage.messages.commit(message)));
      storage = await storage.reopen();
      await Promise.all(Array.from({ length: 20 }, () => storage.messages.commit(mail())));
      for (let round = 0; round < 3; round += 1) {
        const claims = await claim(storage.deliveries, 6);
        const fresh = claims.filter(({ record }) => record.recipients[0]?.state === 'queued');
        expect([claims.length, fresh.length]).toEqual([6, 3]);
      }
    });

    it('hands out each message once, however many ask', async () => {
      const messages = Array.from({ length: 200 }, () => mail());
      const asking = Array.from({ length: 20 }, () => claim(storage.deliveries, 10));
      await Promise.all(messages.map((message) => storage.messages.commit(message)));
      const claims = (await Promise.all(asking)).flat();
      for (let more = await claimNow(storage.deliveries, 50); more.length > 0; ) {
        claims.push(...more);
        more = await claimNow(storage.deliveries, 50);
      }
      const ids = claims.map(({ record }) => record.id);
      expect(new Set(ids)).toEqual(new Set(messages.map(({ facts }) => facts.id)));
      expect(ids).toHaveLength(200);
    });

    it('waits until the earliest recipient is due', async () => {
      const nextAt = Date.now() + 150;
      const later = recipient('later@x.test', { state: 'deferred', nextAt: nextAt + 600_000 });
      await storage.messages.commit(mail({ recipients: [later, recipient('soon@x.test', { nextAt })] }));
      expect(await claimNow(storage.deliveries)).toEqual([]);
      expect(await claim(storage.deliveries)).toHaveLength(1);
      expect(Date.now()).toBeGreaterThanOrEqual(nextAt);
    });

    it('answers none when asked to stop waiting, and loses nothing by it', async () => {
      const asked = new AbortController();
      const options = { limit: 1, worker: 'test', leaseMilliseconds: 45_000, signal: asked.signal };
      const waiting = storage.deliveries.claim(options);
      const committed = storage.messages.commit(mail());
      asked.abort();
      expect(await waiting).toEqual([]);
      await committed;
      expect(await storage.deliveries.claim(options)).toEqual([]);
      expect(await claim(storage.deliveries)).toHaveLength(1);
    });

    it('leaves a large body to be read in pieces', async () => {
      const message = mail();
      const pieces = [randomBytes(chunkSize), randomBytes(9)];
      await storage.messages.beginBody(message.facts.id);
      for (const [n, piece] of pieces.entries()) {
        await storage.messages.writeChunk(message.facts.id, n, Uint8Array.from(piece));
      }
      await storage.messages.commit({ ...message, body: { kind: 'chunks', count: 2 } });
      const [one] = await claim(storage.deliveries);
      expect(one?.body).toBeNull();
      for (const n of [0, 1]) {
        expect(await storage.deliveries.readChunk(message.facts.id, n)).toEqual(Uint8Array.from(pieces[n] ?? []));
      }
      expect(await storage.deliveries.readChunk(message.facts.id, 2)).toBeNull();
    });

    it('settles recipients one transaction with the upstream after the other, and ends the lease with the last', async () => {
      const message = mail({ recipients: ['a@x.test', 'b@y.test'].map((address) => recipient(address)) });
      await storage.messages.commit(message);
      const [one] = await claim(storage.deliveries);
      const [a, b] = message.recipients;
      if (one === undefined || a === undefined || b === undefined) throw new Error('nothing was claimed');
      const { lease } = one;
      const id = message.facts.id;
      const first = {
        lease,
        recipients: [{ index: 0, recipient: finished(a) }],
        attempts: [attempt(id)],
        generated: [],
      };
      expect(await storage.deliveries.settle({ ...first, release: false })).toEqual({
        status: 'settled',
        requested: null,
      });
      expect(await storage.mailLog.get(id)).toMatchObject({
        leased: true,
        record: { recipients: [{ state: 'delivered' }, { state: 'queued' }] },
      });
      const nextAt = Date.now() + 600_000;
      const second = { index: 1, recipient: deferred(b, nextAt) };
      const reply = { results: [{ recipient: 'b@y.test', state: 'deferred', reply: '450 4.2.0 later' }] } as const;
      await storage.deliveries.settle({
        lease,
        recipients: [second],
        attempts: [attempt(id, reply)],
        generated: [],
        release: true,
      });
      expect(await storage.mailLog.get(id)).toMatchObject({
        leased: false,
        record: { nextAt, recipients: [{ state: 'delivered' }, { state: 'deferred', nextAt }] },
      });
      expect(await storage.mailLog.attempts(id)).toEqual([
        attempt(id, { at: expect.any(Number) }),
        { ...attempt(id, reply), at: expect.any(Number) },
      ]);
      expect(await storage.messages.readChunk(id, 0)).not.toBeNull();
      expect(await claimNow(storage.deliveries)).toEqual([]);
    });

    it('drops the body once every recipient is final, but not that of captured mail', async () => {
      const [gone, kept] = [mail(), mail()];
      await Promise.all([storage.messages.commit(gone), storage.messages.commit(kept)]);
      for (const one of await claim(storage.deliveries)) {
        await finish(storage.deliveries, one, one.record.id === gone.facts.id ? 'delivered' : 'captured');
      }
      expect(await storage.messages.readChunk(gone.facts.id, 0)).toBeNull();
      expect(await storage.messages.readChunk(kept.facts.id, 0)).not.toBeNull();
      expect(await claimNow(storage.deliveries)).toEqual([]);
    });

    it('lets a final state stand, whatever is settled later', async () => {
      await storage.messages.commit(mail({ recipients: [recipient('a@x.test'), recipient('b@x.test')] }));
      const [one] = await claim(storage.deliveries);
      const [a] = one?.record.recipients ?? [];
      if (one === undefined || a === undefined) throw new Error('nothing was claimed');
      for (const again of [finished(a), deferred(a, Date.now())]) {
        const recipients = [{ index: 0, recipient: again }];
        await storage.deliveries.settle({ lease: one.lease, recipients, attempts: [], generated: [], release: false });
      }
      expect(await storage.mailLog.get(one.record.id)).toMatchObject({
        record: { recipients: [{ state: 'delivered' }, {}] },
      });
    });

    it('stores a bounce in the same commit, and not at all when the lease was lost', async () => {
      await storage.messages.commit(mail());
      const [one] = await claim(storage.deliveries);
      const [to] = one?.record.recipients ?? [];
      if (one === undefined || to === undefined) throw new Error('nothing was claimed');
      const bounce = mail({ facts: { origin: 'bounce', sender: '' }, bytes: Buffer.from('report') });
      const settlement = {
        lease: one.lease,
        recipients: [{ index: 0, recipient: finished(to, 'bounced') }],
        attempts: [],
        generated: [bounce],
        release: true,
      };
      expect(await storage.deliveries.settle(settlement)).toMatchObject({ status: 'settled' });
      const [report] = await claim(storage.deliveries);
      expect(report?.record).toMatchObject({ id: bounce.facts.id, origin: 'bounce', sender: '' });
      expect(Buffer.from(report?.body ?? []).toString()).toBe('report');

      const second = mail({ facts: { origin: 'bounce', sender: '' } });
      expect(await storage.deliveries.settle({ ...settlement, generated: [second] })).toEqual({
        status: 'lost',
        requested: null,
      });
      expect(await storage.mailLog.get(second.facts.id)).toBeNull();
      const { accepted, generated, states, balanced } = await storage.mailLog.conservation();
      expect({ accepted, generated, balanced }).toEqual({ accepted: 1, generated: 1, balanced: true });
      expect(states).toMatchObject({ bounced: 1, queued: 1 });
    });

    it('gives back what a worker returns untried', async () => {
      await storage.messages.commit(mail());
      const [one] = await claim(storage.deliveries);
      if (one === undefined) throw new Error('nothing was claimed');
      await storage.deliveries.settle({ lease: one.lease, recipients: [], attempts: [], generated: [], release: true });
      const [again] = await claim(storage.deliveries);
      expect(again?.record).toEqual(one.record);
      expect(again?.lease.token).not.toBe(one.lease.token);
    });

    it('ends a lease that was not renewed, says that a copy may have been sent, and writes nothing of the old holder', async () => {
      await storage.messages.commit(mail());
      const [lost] = await claim(storage.deliveries, 1, 1);
      if (lost === undefined) throw new Error('nothing was claimed');
      const [again] = await claim(storage.deliveries);
      expect(again?.record).toMatchObject({
        id: lost.record.id,
        recipients: [{ state: 'deferred', attempts: 1, ambiguous: true }],
      });
      expect(await storage.mailLog.attempts(lost.record.id)).toMatchObject([
        { ambiguous: true, results: [{ recipient: 'to@example.com', state: 'deferred' }] },
      ]);
      expect(await storage.deliveries.renew([lost.lease], 45_000)).toEqual([lost.lease.token]);
      expect(await storage.deliveries.tellDot?.(lost.lease, [0])).not.toBe(true);
      expect(await storage.deliveries.tellDot?.(again?.lease ?? lost.lease, [0])).not.toBe(false);
      expect(await finish(storage.deliveries, lost)).toEqual({ status: 'lost', requested: null });
      expect(await storage.mailLog.get(lost.record.id)).toMatchObject({ leased: true });
    });

    it('prolongs the leases of a worker that is alive', async () => {
      await storage.messages.commit(mail());
      const [one] = await claim(storage.deliveries, 1, 500);
      if (one === undefined) throw new Error('nothing was claimed');
      const until = one.lease.until;
      expect(await storage.deliveries.renew([one.lease], 60_000)).toEqual([]);
      expect(one.lease.until).toBeGreaterThan(until);
      // Another lease that runs out at the old time shows that the look-through came by.
      await storage.messages.commit(mail());
      const [short] = await claim(storage.deliveries, 1, 500);
      const [again] = await claim(storage.deliveries);
      expect(again?.record.id).toBe(short?.record.id);
      expect(await finish(storage.deliveries, one)).toMatchObject({ status: 'settled' });
    });

    it('after a crash retries what was in flight, after a delay and marked, and only that', async () => {
      const inFlight = mail({ facts: { subject: 'in flight' } });
      await storage.messages.commit(inFlight);
      await claim(storage.deliveries, 1);
      const waiting = mail();
      await storage.messages.commit(waiting);
      storage = await storage.crash();
      const claims = await claim(storage.deliveries);
      const more = claims.length < 2 ? await claim(storage.deliveries) : [];
      const records = new Map([...claims, ...more].map(({ record }) => [record.id, record]));
      expect(records.get(inFlight.facts.id)?.recipients).toMatchObject([{ state: 'deferred', ambiguous: true }]);
      expect(records.get(waiting.facts.id)?.recipients).toEqual(waiting.recipients);
      expect(await storage.mailLog.attempts(inFlight.facts.id)).toMatchObject([{ ambiguous: true }]);
      expect(await storage.mailLog.attempts(waiting.facts.id)).toEqual([]);
    });

    it('after an orderly end remembers everything and marks nothing', async () => {
      const message = mail();
      await storage.messages.commit(message);
      storage = await storage.reopen();
      const [one] = await claim(storage.deliveries);
      expect(one?.record.recipients).toEqual(message.recipients);
    });

    it('wakes what the breaker of one upstream held back, and nothing else', async () => {
      const later = Date.now() + 600_000;
      const back = (upstream: string, postponed: boolean) =>
        recipient(`${upstream}@x.test`, {
          state: 'deferred',
          nextAt: later,
          upstream,
          ...(postponed ? { postponed: true } : {}),
        });
      const states: (readonly [string, boolean])[] = [
        ['down', true],
        ['other', true],
        ['down', false],
      ];
      for (const _ of states) await storage.messages.commit(mail());
      const claims = await claim(storage.deliveries);
      for (const [n, { lease }] of claims.entries()) {
        const [upstream, postponed] = states[n] ?? ['', false];
        const recipients = [{ index: 0, recipient: back(upstream, postponed) }];
        await storage.deliveries.settle({ lease, recipients, attempts: [], generated: [], release: true });
      }
      expect(await storage.deliveries.wakeUpstream('down', 0)).toBe(1);
      const woken = await claimNow(storage.deliveries);
      expect(woken.map(({ record }) => record.id)).toEqual([claims[0]?.record.id]);
      expect(woken[0]?.record.recipients[0]).not.toHaveProperty('postponed');
      expect(await storage.deliveries.wakeUpstream('down', 0)).toBe(0);
    });

    it('spreads what it wakes', async () => {
      const count = 30;
      await Promise.all(Array.from({ length: count }, () => storage.messages.commit(mail())));
      const held = { state: 'deferred', nextAt: Date.now() + 86_400_000, upstream: 'down', postponed: true } as const;
      for (const { lease } of await claim(storage.deliveries, count)) {
        const recipients = [{ index: 0, recipient: recipient('to@example.com', held) }];
        await storage.deliveries.settle({ lease, recipients, attempts: [], generated: [], release: true });
      }
      const before = Date.now();
      expect(await storage.deliveries.wakeUpstream('down', 3_600_000)).toBe(count);
      const { items } = await storage.mailLog.queue({ limit: count });
      const times = items.map((entry) => (entry.kind === 'message' ? (entry.record.nextAt ?? 0) : 0));
      expect(new Set(times).size).toBeGreaterThan(count / 2);
      expect(Math.min(...times)).toBeGreaterThanOrEqual(before);
      expect(Math.max(...times)).toBeLessThanOrEqual(Date.now() + 3_600_000);
    });
  });
}
