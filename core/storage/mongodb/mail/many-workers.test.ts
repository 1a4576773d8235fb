import { afterEach, beforeEach, expect, it } from 'vitest';
import { claim, finish, finished, mail, recipient } from '../../../../tests/contract/mail.ts';
import { describeWith } from '../../../../tests/support/describe-with.ts';
import { waitFor } from '../../../../tests/support/wait-for.ts';
import type { WakeUp } from '../../ports/wake-ups.ts';
import type { MongodbStore } from '../store.ts';
import { type StoreBehindProxy, storeBehindProxy } from '../testing/store-behind-proxy.ts';

/** Wake-ups that a test hands out; each claim waits for them. */
function handMade() {
  let give: (wakeUps: readonly WakeUp[]) => void = () => undefined;
  const sent: WakeUp[] = [];
  let asked = 0;
  return {
    sent,
    get asked() {
      return asked;
    },
    give: (wakeUps: readonly WakeUp[]) => give(wakeUps),
    sender: { send: (wakeUps: readonly WakeUp[]) => void sent.push(...wakeUps) },
    source: {
      next: (_: number, signal: AbortSignal): Promise<readonly WakeUp[]> =>
        new Promise((resolve) => {
          asked += 1;
          give = resolve;
          signal.addEventListener('abort', () => resolve([]));
        }),
    },
  };
}

describeWith(['mongodb'], 'many workers on one MongoDB', () => {
  let lab: StoreBehindProxy;
  beforeEach(async () => {
    lab = await storeBehindProxy({ ambiguousDelay: 0 });
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  it('hands each message of a backlog to one of them, and leaves none', async () => {
    const { store, open } = lab;
    const count = 150;
    await Promise.all(Array.from({ length: count }, () => store.messages.commit(mail())));
    const workers: MongodbStore[] = [store];
    for (let n = 0; n < 5; n += 1) workers.push(await open());
    const stop = new AbortController();
    const taken: string[] = [];
    await Promise.all(
      workers.map(async ({ deliveries }) => {
        while (!stop.signal.aborted) {
          const claims = await deliveries.claim({
            limit: 7,
            worker: 'test',
            leaseMilliseconds: 45_000,
            signal: stop.signal,
          });
          for (const one of claims) {
            taken.push(one.record.id);
            await finish(deliveries, one);
          }
          if (taken.length >= count) stop.abort();
        }
      }),
    );
    expect(taken).toHaveLength(count);
    expect(new Set(taken).size).toBe(count);
    expect(await store.mailLog.conservation()).toMatchObject({ balanced: true, states: { delivered: count } });
  }, 60_000);

  it('ends the lease of a worker that vanished, once, whoever notices it', async () => {
    const { store, open } = lab;
    await store.messages.commit(mail());
    const [lost] = await claim(store.deliveries, 1, 1);
    const others = [await open(), await open(), await open()];
    await waitFor('the end of the lease', async () => {
      await Promise.all(others.map((one) => one.sweep()));
      const entry = await store.mailLog.get(lost?.record.id ?? '');
      return entry?.kind === 'message' && !entry.leased;
    });
    expect(await store.mailLog.attempts(lost?.record.id ?? '')).toHaveLength(1);
    const [again] = await claim(store.deliveries);
    expect(again?.record.recipients).toMatchObject([{ state: 'deferred', attempts: 1, ambiguous: true }]);
  });

  it('knows what was not sent, where workers tell before they send the end of data', async () => {
    const { open } = lab;
    const worker = await open({ tellsDots: true });
    const recipients = ['a@x.test', 'b@y.test'].map((address) => recipient(address));
    await worker.messages.commit(mail({ recipients }));
    const [first] = await claim(worker.deliveries, 1, 1);
    if (first === undefined) throw new Error('nothing was claimed');
    const [second] = await claim(worker.deliveries, 1, 1);
    if (second === undefined) throw new Error('nothing was claimed again');
    expect(second.record.recipients).toEqual(first.record.recipients);
    expect(await worker.mailLog.attempts(first.record.id)).toEqual([]);
    expect(await worker.deliveries.tellDot?.(first.lease, [0])).toBe(false);
    expect(await worker.deliveries.tellDot?.(second.lease, [1])).toBe(true);
    const [third] = await claim(worker.deliveries, 1);
    expect(third?.record.recipients).toMatchObject([
      { address: 'a@x.test', state: 'queued', attempts: 0 },
      { address: 'b@y.test', state: 'deferred', attempts: 1, ambiguous: true },
    ]);
    expect(await worker.mailLog.attempts(first.record.id)).toMatchObject([{ results: [{ recipient: 'b@y.test' }] }]);
  });

  it('does not let mail whose worker always vanishes take up all the time', async () => {
    const { open } = lab;
    const worker = await open({ tellsDots: true, ambiguousDelay: 600_000 });
    const message = mail();
    await worker.messages.commit(message);
    await claim(worker.deliveries, 1, 1);
    await claim(worker.deliveries, 1, 1);
    await waitFor('the second lease to end', async () => {
      await worker.sweep();
      const entry = await worker.mailLog.get(message.facts.id);
      return entry?.kind === 'message' && !entry.leased;
    });
    const entry = await worker.mailLog.get(message.facts.id);
    const nextAt = entry?.kind === 'message' ? (entry.record.nextAt ?? 0) : 0;
    expect(nextAt).toBeGreaterThan(Date.now() + 500_000);
  });

  it('claims what wake-ups tell of, once, and nothing by a stale one', async () => {
    const { open, store } = lab;
    const wakeUps = handMade();
    const worker = await open({ wakeUps });
    const message = mail();
    await worker.messages.commit(message);
    expect(wakeUps.sent).toEqual([{ id: message.facts.id, attempt: 0 }]);
    const waiting = claim(worker.deliveries);
    await waitFor('the worker to wait', () => wakeUps.asked === 1);
    wakeUps.give([{ id: message.facts.id, attempt: 1 }]);
    await waitFor('the worker to wait again', () => wakeUps.asked === 2);
    wakeUps.give(wakeUps.sent);
    const [one] = await waiting;
    expect(one?.record.id).toBe(message.facts.id);
    await store.messages.commit(mail({ facts: { subject: 'found in the database' } }));
    const next = claim(worker.deliveries);
    await waitFor('the worker to wait once more', () => wakeUps.asked === 3);
    wakeUps.give([]);
    expect((await next)[0]?.record.subject).toBe('found in the database');
  });

  it('has one of several dispatchers send the wake-up of a try', async () => {
    const { store, open } = lab;
    const now = Date.now();
    const others = [store, await open(), await open()];
    const fresh = mail();
    await store.messages.commit(fresh);
    const backlog = Array.from({ length: 60 }, (_, n) =>
      mail({ recipients: [recipient('a@x.test', { nextAt: now + 600_000 + n })] }),
    );
    await Promise.all(backlog.map((message) => store.messages.commit(message)));
    await Promise.all(backlog.map(({ facts }) => store.queueActions.act(facts.id, { do: 'retry' })));
    const sent = await Promise.all(
      others.map(({ dispatch }) => dispatch.dispatchable({ limit: 100, sentBefore: now - 30_000 })),
    );
    const ids = sent.flat().map(({ id }) => id);
    expect(ids).toHaveLength(60);
    expect(new Set(ids)).toEqual(new Set(backlog.map(({ facts }) => facts.id)));
    // What was sent long ago, and not claimed since, is sent again.
    const again = await store.dispatch.dispatchable({ limit: 100, sentBefore: Date.now() + 1 });
    expect(again).toHaveLength(61);
    expect(again).toContainEqual({ id: fresh.facts.id, attempt: 0 });
    // A claim begins another try.
    for (const one of await claim(store.deliveries, 1)) {
      const { lease } = one;
      await store.deliveries.settle({ lease, recipients: [], attempts: [], generated: [], release: true });
      const next = await store.dispatch.dispatchable({ limit: 100, sentBefore: now - 30_000 });
      expect(next).toEqual([{ id: one.record.id, attempt: 1 }]);
    }
  });

  it('keeps every attempt of a message that is tried often, in order', async () => {
    const { store } = lab;
    const message = mail();
    await store.messages.commit(message);
    const tries = 17;
    for (let n = 0; n < tries; n += 1) {
      const [one] = await claim(store.deliveries, 1);
      const [to] = one?.record.recipients ?? [];
      if (one === undefined || to === undefined) throw new Error('nothing was claimed');
      const attempt = {
        messageId: one.record.id,
        at: n,
        upstream: 'default',
        host: null,
        phase: 'connect' as const,
        tls: null,
        milliseconds: 1,
        ambiguous: false,
        results: [],
      };
      await store.deliveries.settle({
        lease: one.lease,
        recipients: [{ index: 0, recipient: n === tries - 1 ? finished(to) : { ...to, attempts: n + 1 } }],
        attempts: [attempt],
        generated: [],
        release: true,
      });
    }
    const attempts = await store.mailLog.attempts(message.facts.id);
    expect(attempts.map(({ at }) => at)).toEqual(Array.from({ length: tries }, (_, n) => n));
  });
});
