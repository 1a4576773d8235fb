import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { claim, finish, mail, refusal } from '../../../../tests/contract/mail.ts';
import { describeWith } from '../../../../tests/support/describe-with.ts';
import { waitFor } from '../../../../tests/support/wait-for.ts';
import { chunkSize } from '../../ports/message-store.ts';
import { dayMilliseconds } from '../../rules/time-spans.ts';
import { type StoreBehindProxy, storeBehindProxy } from '../testing/store-behind-proxy.ts';

const shortest = { retention: { captured: 0, log: 0, receiving: 0 } };
const longest = { retention: { captured: 30 * dayMilliseconds, log: 30 * dayMilliseconds, receiving: 0 } };

describeWith(['mongodb'], 'retention on MongoDB', () => {
  let lab: StoreBehindProxy;
  beforeEach(async () => {
    lab = await storeBehindProxy();
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  /** Messages in several final states, and one that is open. */
  const fill = async (): Promise<void> => {
    const { store } = lab;
    await Promise.all(Array.from({ length: 6 }, () => store.messages.commit(mail())));
    await store.messages.commit(mail({ facts: { origin: 'bounce', sender: '' } }));
    const states = ['delivered', 'bounced', 'captured', 'expired'] as const;
    for (const [n, one] of (await claim(store.deliveries, 6)).entries()) {
      await finish(store.deliveries, one, states[n % states.length]);
    }
  };
  /** As if what is final had become so `days` ago. */
  const age = async (days: number): Promise<void> => {
    await lab.other.database
      .collection('messages')
      .updateMany({ finalDay: { $exists: true } }, { $inc: { finalDay: -days } });
  };
  const records = (): Promise<number> => lab.other.database.collection('messages').countDocuments({ kind: 'message' });

  it('closes days that are over, once, and deletes their records without changing the sum', async () => {
    await fill();
    const before = await lab.other.mailLog.conservation();
    expect(before).toMatchObject({ accepted: 6, generated: 1, balanced: true });
    await age(3);
    await lab.other.database
      .collection('messages')
      .updateMany({ purgeAt: { $exists: true } }, { $set: { purgeAt: 1 } });
    const sweepers = [await lab.open(shortest), await lab.open(shortest)];
    // What still has events to tell waits for a later sweep.
    await waitFor('what is final to go', async () => {
      await Promise.all(sweepers.map((one) => one.sweep()));
      return (await records()) === 1;
    });
    expect(await lab.other.database.collection('days').countDocuments()).toBe(1);
    expect(await lab.other.mailLog.conservation()).toEqual(before);
    expect(await lab.other.database.collection('bodies').countDocuments()).toBe(1);
  });

  it('does not close the day that is not over, and keeps what is not past its time', async () => {
    await fill();
    const sweeper = await lab.open(longest);
    await sweeper.sweep();
    expect(await lab.other.database.collection('days').countDocuments()).toBe(0);
    await age(3);
    await sweeper.sweep();
    expect(await lab.other.database.collection('days').countDocuments()).toBe(1);
    expect(await records()).toBe(7);
    expect(await lab.other.mailLog.conservation()).toMatchObject({ accepted: 6, balanced: true });
  });

  it('counts nothing into a day that is closed', async () => {
    await fill();
    await age(-2);
    // Another process saw these days end; this one's clock lags behind.
    await lab.other.database
      .collection('days')
      .insertOne({ _id: Math.floor(Date.now() / dayMilliseconds) + 1, accepted: 0, generated: 0, states: noStates });
    await lab.store.sweep();
    await lab.store.messages.commit(mail());
    for (const one of await claim(lab.store.deliveries, 10)) await finish(lab.store.deliveries, one);
    expect(await lab.other.mailLog.conservation()).toMatchObject({ accepted: 7, generated: 1, balanced: true });
  });

  it('keeps the bodies of captured mail for their time, and deletes them then', async () => {
    const { store, other } = lab;
    const message = mail();
    await store.messages.commit(message);
    const keeper = await lab.open(longest);
    for (const one of await claim(keeper.deliveries)) await finish(keeper.deliveries, one, 'captured');
    await keeper.sweep();
    expect(await other.mailLog.readChunk(message.facts.id, 0)).not.toBeNull();
    await other.database.collection('messages').updateOne({ _id: message.facts.id }, { $set: { purgeAt: 1 } });
    await keeper.sweep();
    expect(await other.mailLog.readChunk(message.facts.id, 0)).toBeNull();
    expect(await other.mailLog.get(message.facts.id)).not.toBeNull();
  });

  it('deletes a large body that was never committed, and lets it not be committed any more', async () => {
    const { store, other } = lab;
    const message = mail();
    const { id } = message.facts;
    await store.messages.beginBody(id);
    for (const n of [0, 1, 2]) await store.messages.writeChunk(id, n, randomBytes(n === 2 ? 10 : chunkSize));
    const kept = mail();
    await store.messages.commit(kept);
    const sweeper = await lab.open(longest);
    await waitFor('the sweep', async () => {
      await sweeper.sweep();
      return (await other.mailLog.readChunk(id, 0)) === null;
    });
    expect(await other.database.collection('bodies').countDocuments()).toBe(1);
    const late = { ...message, body: { kind: 'chunks', count: 3 } } as const;
    await expect(store.messages.commit(late)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await other.mailLog.get(id)).toBeNull();
    expect((await other.mailLog.list({}, { limit: 10 })).items).toHaveLength(1);
    expect(await other.mailLog.readChunk(kept.facts.id, 0)).not.toBeNull();
  });

  it('finds bodies that were left when their message became final, when all are gone through again', async () => {
    const { store, other, proxy } = lab;
    const message = mail();
    await store.messages.commit(message);
    const sweeper = await lab.open(longest);
    await sweeper.sweep();
    proxy.meddle(({ name, collection }) => (name === 'delete' && collection === 'bodies' ? 'cut-before' : undefined));
    for (const one of await claim(store.deliveries)) await finish(store.deliveries, one);
    await sweeper.sweep();
    expect(await other.mailLog.readChunk(message.facts.id, 0)).not.toBeNull();
    // A day later.
    await other.database.collection('body_sweeps').updateOne({ _id: 'bodies' }, { $set: { startedAt: 0 } });
    await sweeper.sweep();
    await sweeper.sweep();
    expect(await other.mailLog.readChunk(message.facts.id, 0)).toBeNull();
  });

  it('deletes refusals and tombstones past their time', async () => {
    const { store, other } = lab;
    store.messages.recordRefusal(refusal({ at: Date.now() - 1_000 }));
    await store.messages.commit(mail());
    const all = other.database.collection('messages');
    await waitFor('the event of the refusal to be out', async () => {
      await (await lab.open(longest)).sweep();
      return (await other.events.bounds()).newest >= 2;
    });
    await (await lab.open(shortest)).sweep();
    expect(await all.countDocuments()).toBe(1);
  });
});

const noStates = {
  queued: 0,
  deferred: 0,
  held: 0,
  delivered: 0,
  relayed: 0,
  captured: 0,
  discarded: 0,
  bounced: 0,
  expired: 0,
  cancelled: 0,
};
