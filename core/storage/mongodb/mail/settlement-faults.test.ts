import { afterEach, beforeEach, expect, it } from 'vitest';
import { claim, deferred, finished, mail, recipient } from '../../../../tests/contract/mail.ts';
import { describeWith } from '../../../../tests/support/describe-with.ts';
import type { WireCommand } from '../../../../tests/support/mongodb-proxy.ts';
import { waitFor } from '../../../../tests/support/wait-for.ts';
import type { Attempt } from '../../../domain/message.ts';
import type { Claim, Settlement } from '../../ports/delivery-store.ts';
import { type StoreBehindProxy, storeBehindProxy } from '../testing/store-behind-proxy.ts';

const attempt = (messageId: string, upstream = 'default'): Attempt => ({
  messageId,
  at: Date.now(),
  upstream,
  host: '192.0.2.25:25',
  phase: 'done',
  tls: null,
  milliseconds: 12,
  ambiguous: false,
  results: [{ recipient: 'to@example.com', state: 'delivered', reply: '250 2.0.0 ok' }],
});

/** A settlement of everything claimed, with a report to the sender where there is one. */
const settlementOf = (
  { record, lease }: Claim,
  state: 'delivered' | 'bounced',
  generated: Settlement['generated'] = [],
): Settlement => ({
  lease,
  recipients: record.recipients.map((one, index) => ({ index, recipient: finished(one, state) })),
  attempts: [attempt(record.id)],
  generated,
  release: true,
});

const isUpdate = ({ name, collection, documents }: WireCommand): boolean =>
  name === 'update' && collection === 'messages' && documents.some(({ u }) => u?.$set?.settled !== undefined);

describeWith(['mongodb'], 'a settlement on MongoDB when things break', () => {
  let lab: StoreBehindProxy;
  beforeEach(async () => {
    lab = await storeBehindProxy();
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  const claimed = async (): Promise<Claim> => {
    await lab.store.messages.commit(mail());
    const [one] = await claim(lab.store.deliveries);
    if (one === undefined) throw new Error('nothing was claimed');
    return one;
  };
  const report = () => mail({ facts: { origin: 'bounce', sender: '' }, bytes: Buffer.from('report') });

  it('is made once, though its answer was lost and it is given again', async () => {
    const { proxy, store, other } = lab;
    const one = await claimed();
    let cut = 0;
    proxy.meddle((command) => {
      if (!isUpdate(command)) return undefined;
      cut += 1;
      return cut === 1 ? 'cut-after' : undefined;
    });
    const settlement = settlementOf(one, 'bounced', [report()]);
    await expect(store.deliveries.settle(settlement)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await store.deliveries.settle(settlement)).toMatchObject({ status: 'settled' });
    expect(cut).toBe(1);
    expect(await other.mailLog.attempts(one.record.id)).toHaveLength(1);
    expect(await other.mailLog.get(one.record.id)).toMatchObject({ record: { recipients: [{ state: 'bounced' }] } });
    await other.sweep();
    expect(await other.mailLog.conservation()).toMatchObject({ accepted: 1, generated: 1, balanced: true });
  });

  it('is made, though the first try did not reach the server', async () => {
    const { proxy, store, other } = lab;
    const one = await claimed();
    let cut = 0;
    proxy.meddle((command) => (isUpdate(command) && ++cut === 1 ? 'cut-before' : undefined));
    const settlement = settlementOf(one, 'delivered');
    await expect(store.deliveries.settle(settlement)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await store.deliveries.settle(settlement)).toEqual({ status: 'settled', requested: null });
    expect(await other.mailLog.attempts(one.record.id)).toHaveLength(1);
  });

  it('brings its report out once where the process ends before it could', async () => {
    const { proxy, store, other } = lab;
    const one = await claimed();
    const bounce = report();
    // The process vanishes right after the record of the message was written.
    proxy.meddle(({ name, collection, documents }) => {
      if (name !== 'insert' || collection !== 'messages') return undefined;
      if (documents.some(({ origin }) => origin === 'bounce')) proxy.sever();
      return undefined;
    });
    void store.deliveries.settle(settlementOf(one, 'bounced', [bounce])).catch(() => undefined);
    await waitFor('the outcome', async () => {
      const entry = await other.mailLog.get(one.record.id);
      return entry?.kind === 'message' && entry.record.recipients[0]?.state === 'bounced';
    });
    const found = await waitFor('the report', async () => {
      await other.sweep();
      return other.mailLog.get(bounce.facts.id);
    });
    expect(found).toMatchObject({ record: { origin: 'bounce', sender: '' } });
    await other.sweep();
    const [again] = await claim(other.deliveries);
    expect(again?.record.id).toBe(bounce.facts.id);
    expect(Buffer.from(again?.body ?? []).toString()).toBe('report');
    expect(await other.mailLog.conservation()).toMatchObject({ accepted: 1, generated: 1, balanced: true });
  });

  it('leaves nothing of a report behind whose settlement never came', async () => {
    const { proxy, store, open } = lab;
    const one = await claimed();
    const bounce = report();
    proxy.meddle((command) => {
      if (isUpdate(command)) proxy.sever();
      return undefined;
    });
    void store.deliveries.settle(settlementOf(one, 'bounced', [bounce])).catch(() => undefined);
    const third = await open({ retention: { captured: 1, log: 86_400_000, receiving: 0 } });
    await waitFor('its body', () => third.mailLog.readChunk(bounce.facts.id, 0));
    await waitFor('it to be swept', async () => {
      await third.sweep();
      return (await third.mailLog.readChunk(bounce.facts.id, 0)) === null;
    });
    expect(await third.mailLog.get(bounce.facts.id)).toBeNull();
    expect(await third.mailLog.readChunk(one.record.id, 0)).not.toBeNull();
  });

  it('knows what was claimed though the answer was lost', async () => {
    const { proxy, store } = lab;
    await store.messages.commit(mail());
    let cut = 0;
    proxy.meddle(({ name, collection, documents }) =>
      name === 'update' && collection === 'messages' && documents.some(({ u }) => u?.$set?.lease) && ++cut === 1
        ? 'cut-after'
        : undefined,
    );
    await expect(claim(store.deliveries)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    const [one] = await claim(store.deliveries);
    expect(one?.record.recipients).toMatchObject([{ state: 'queued', attempts: 0 }]);
    if (one === undefined) throw new Error('nothing was claimed');
    expect(await store.deliveries.settle(settlementOf(one, 'delivered'))).toMatchObject({ status: 'settled' });
  });

  it('takes several outcomes of one message at once, and an order that came between', async () => {
    const { store, other } = lab;
    const recipients = ['a', 'b', 'c', 'd'].map((name) => recipient(`${name}@x.test`));
    await store.messages.commit(mail({ recipients }));
    const [one] = await claim(store.deliveries);
    if (one === undefined) throw new Error('nothing was claimed');
    const { id } = one.record;
    expect(await other.queueActions.act(id, { do: 'hold' })).toBe('requested');
    const settled = await Promise.all(
      one.record.recipients.map((each, index) =>
        store.deliveries.settle({
          lease: one.lease,
          recipients: [{ index, recipient: index === 3 ? deferred(each, Date.now()) : finished(each) }],
          attempts: [attempt(id, `upstream-${index}`)],
          generated: [],
          release: index === 3,
        }),
      ),
    );
    expect(settled.map(({ status }) => status)).toEqual(['settled', 'settled', 'settled', 'settled']);
    expect(settled[3]?.requested).toEqual({ do: 'hold' });
    const states = ['delivered', 'delivered', 'delivered', 'held'].map((state) => ({ state }));
    expect(await other.mailLog.get(id)).toMatchObject({ leased: false, record: { recipients: states } });
    expect((await other.mailLog.attempts(id)).map(({ upstream }) => upstream).sort()).toEqual(
      [0, 1, 2, 3].map((n) => `upstream-${n}`),
    );
  });
});
