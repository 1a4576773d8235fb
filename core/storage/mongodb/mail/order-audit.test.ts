import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { mail } from '../../../../tests/contract/mail.ts';
import { describeWith } from '../../../../tests/support/describe-with.ts';
import { waitFor } from '../../../../tests/support/wait-for.ts';
import type { AuditEntry } from '../../ports/audit-log.ts';
import { type StoreBehindProxy, storeBehindProxy } from '../testing/store-behind-proxy.ts';

describeWith(['mongodb'], 'orders on waiting mail and the audit log on MongoDB', () => {
  let lab: StoreBehindProxy;
  beforeEach(async () => {
    lab = await storeBehindProxy();
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  const entry = (change: Partial<AuditEntry> = {}): AuditEntry => ({
    id: uuidv7(),
    at: Date.now(),
    actor: { kind: 'control-socket' },
    address: null,
    requestId: null,
    action: 'queue.hold',
    subject: { kind: 'message', id: 'some' },
    before: null,
    after: { do: 'hold' },
    ...change,
  });
  const waiting = async (count: number): Promise<string[]> => {
    const messages = Array.from({ length: count }, () => mail());
    await Promise.all(messages.map((message) => lab.store.messages.commit(message)));
    return messages.map(({ facts }) => facts.id);
  };
  const logged = async () => (await lab.other.auditLog.list({}, { limit: 10 })).items;
  const carriers = () => lab.other.database.collection('messages').countDocuments({ 'outbox.0': { $exists: true } });

  it('tells of an order once, and only where it changed something', async () => {
    const [id = ''] = await waiting(1);
    const first = entry();
    expect(await lab.store.queueActions.act(id, { do: 'hold' }, first)).toBe('done');
    expect(await lab.store.queueActions.act(id, { do: 'hold' }, entry())).toBe('unchanged');
    expect(await logged()).toEqual([first]);
    expect(await carriers()).toBe(0);
  });

  it('tells of an order for many in one entry, with its counts', async () => {
    const ids = await waiting(30);
    const one = entry();
    const counts = { done: 30, requested: 0, unchanged: 1 };
    expect(await lab.store.queueActions.actOn([...ids, uuidv7()], { do: 'hold' }, one)).toEqual(counts);
    expect(await logged()).toEqual([{ ...one, after: { do: 'hold', ...counts } }]);
    expect(await carriers()).toBe(0);
    await lab.other.sweep();
    expect(await logged()).toHaveLength(1);
  });

  it('tells of it though the process that changed something ended before it could', async () => {
    const [id = ''] = await waiting(1);
    const { proxy, store, other } = lab;
    proxy.meddle(({ name, collection }) => {
      if (name === 'insert' && collection === 'audit_log') proxy.sever();
      return undefined;
    });
    const one = entry({ action: 'queue.cancel' });
    void store.queueActions.act(id, { do: 'cancel' }, one).catch(() => undefined);
    await waitFor('the change', async () => (await other.mailLog.queueState()).messages === 0);
    await waitFor('its entry', async () => {
      await other.sweep();
      return (await logged()).length === 1;
    });
    expect(await logged()).toEqual([one]);
  });
});
