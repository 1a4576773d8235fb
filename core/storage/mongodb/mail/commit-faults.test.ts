import { afterEach, beforeEach, expect, it } from 'vitest';
import { mail } from '../../../../tests/contract/mail.ts';
import { describeWith } from '../../../../tests/support/describe-with.ts';
import type { Meddling, WireCommand } from '../../../../tests/support/mongodb-proxy.ts';
import { waitFor } from '../../../../tests/support/wait-for.ts';
import { type StoreBehindProxy, storeBehindProxy } from '../testing/store-behind-proxy.ts';

/** Meddles with the first command that is meant, and tells whether there was one. */
function once(meant: (command: WireCommand) => boolean, meddling: Meddling) {
  const seen = { met: false };
  const decide = (command: WireCommand): Meddling | undefined => {
    if (seen.met || !meant(command)) return undefined;
    seen.met = true;
    return meddling;
  };
  return { seen, decide };
}

const inserts = (collection: string) => (command: WireCommand) =>
  command.name === 'insert' && command.collection === collection;

const notPrimary = { ok: 0, code: 10_107, codeName: 'NotWritablePrimary', errmsg: 'not primary' };
const shuttingDown = { ok: 0, code: 91, codeName: 'ShutdownInProgress', errmsg: 'shutdown' };
const retryable = { ...notPrimary, errorLabels: ['RetryableWriteError'] };
const concern = { code: 64, codeName: 'WriteConcernFailed', errmsg: 'waiting for replication timed out' };

const faults: readonly (readonly [string, Meddling])[] = [
  ['the connection breaks before the server has seen it', 'cut-before'],
  ['the connection breaks after the server has carried it out', 'cut-after'],
  ['the server is no primary any more', { answer: notPrimary }],
  ['the server is no primary any more, and says that the write can be repeated', { answer: retryable }],
  ['the server shuts down', { answer: shuttingDown }],
  ['a majority is slow to confirm it', { amend: (answer) => ({ ...answer, writeConcernError: concern }) }],
];

describeWith(['mongodb'], 'a commit on MongoDB when things break', () => {
  let lab: StoreBehindProxy;
  beforeEach(async () => {
    lab = await storeBehindProxy();
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  for (const collection of ['bodies', 'messages']) {
    it.each(faults)(`is stored once where, writing ${collection}, %s`, async (_, meddling) => {
      const { proxy, store, other } = lab;
      const { seen, decide } = once(inserts(collection), meddling);
      proxy.meddle(decide);
      const messages = Array.from({ length: 20 }, (_, n) => mail({ bytes: Buffer.from(`body ${n}`) }));
      await Promise.all(messages.map((message) => store.messages.commit(message)));
      expect(seen.met).toBe(true);
      for (const [n, { facts }] of messages.entries()) {
        expect(await other.mailLog.get(facts.id)).toMatchObject({ record: { id: facts.id } });
        expect(Buffer.from((await other.mailLog.readChunk(facts.id, 0)) ?? []).toString()).toBe(`body ${n}`);
      }
      expect(await other.mailLog.conservation()).toMatchObject({ accepted: 20, balanced: true });
      const [hour] = await other.mailLog.statistics({ from: 0, until: Date.now() + 3_600_000 });
      expect(hour?.accepted).toBe(20);
    });
  }

  it('fails alone where a message is too large to be a document', async () => {
    const { store, other } = lab;
    const large = mail({ facts: { notes: { plugin: 'x'.repeat(17 * 1024 * 1024) } } });
    const small = mail();
    const outcomes = await Promise.allSettled([large, small].map((message) => store.messages.commit(message)));
    expect(outcomes).toMatchObject([{ status: 'rejected', reason: { code: 'INTERNAL' } }, { status: 'fulfilled' }]);
    expect(await other.mailLog.get(small.facts.id)).not.toBeNull();
    expect(await other.mailLog.conservation()).toMatchObject({ accepted: 1, balanced: true });
  });

  it('refuses another message of the same id all the same', async () => {
    const { proxy, store, other } = lab;
    const first = mail({ bytes: Buffer.from('first') });
    await other.messages.commit(first);
    const { decide } = once(inserts('bodies'), 'cut-after');
    proxy.meddle(decide);
    const second = { ...mail({ bytes: Buffer.from('second') }), facts: first.facts };
    await expect(store.messages.commit(second)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(Buffer.from((await other.mailLog.readChunk(first.facts.id, 0)) ?? []).toString()).toBe('first');
  });

  it('is refused within ten seconds where nothing comes back, and what was stored all the same is taken back', async () => {
    const { proxy, store, other } = lab;
    proxy.meddle(({ name, collection }) =>
      collection === 'messages' && (name === 'insert' || name === 'find') ? 'silence' : undefined,
    );
    const message = mail();
    const begun = performance.now();
    await expect(store.messages.commit(message)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect(await other.mailLog.get(message.facts.id)).not.toBeNull();
    proxy.meddle(() => undefined);
    await waitFor('it to be taken back', async () => (await other.mailLog.get(message.facts.id)) === null, {
      timeout: 40_000,
    });
    await waitFor('its body to be deleted', async () => (await other.mailLog.readChunk(message.facts.id, 0)) === null, {
      timeout: 30_000,
    });
    expect(await other.mailLog.conservation()).toMatchObject({ accepted: 0, balanced: true });
    await expect(store.messages.commit(message)).rejects.toMatchObject({ code: 'CONFLICT' });
  }, 90_000);

  it('is refused within ten seconds where the server is gone, and comes in when it is back', async () => {
    const { proxy, store, other } = lab;
    proxy.sever();
    const begun = performance.now();
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => store.messages.commit(mail())));
    expect(performance.now() - begun).toBeLessThan(10_000);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'STORE_UNAVAILABLE' } });
    }
    expect(await other.mailLog.conservation()).toMatchObject({ accepted: 0 });
    proxy.mend();
    const message = mail();
    await store.messages.commit(message);
    expect(await other.mailLog.get(message.facts.id)).not.toBeNull();
  }, 60_000);

  it('has no room while more waits for the database than may', async () => {
    const { proxy, store } = lab;
    proxy.meddle(({ collection }) => (collection === 'bodies' ? 'silence' : undefined));
    const message = mail({ bytes: new Uint8Array(256 * 1024) });
    const waiting = Array.from({ length: 300 }, () => {
      const one = { ...message, facts: mail().facts };
      return store.messages.commit(one).catch((error: unknown) => error);
    });
    expect(store.messages.hasRoom()).toBe(false);
    proxy.sever();
    proxy.mend();
    proxy.meddle(() => undefined);
    await Promise.all(waiting);
    expect(store.messages.hasRoom()).toBe(true);
  }, 60_000);
});
