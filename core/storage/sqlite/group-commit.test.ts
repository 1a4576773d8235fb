import { setImmediate as nextTurn } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mail } from '../../../tests/contract/mail.ts';
import { encodeMessage } from './encode-message.ts';
import { GroupCommit } from './group-commit.ts';
import type { Batch, BatchAnswer } from './protocol.ts';

describe('the group commit', () => {
  let channel: MessageChannel;
  let commits: GroupCommit;
  let batches: Batch[];
  let arrived: () => void;

  beforeEach(() => {
    channel = new MessageChannel();
    commits = new GroupCommit(channel.port1);
    batches = [];
    arrived = () => {};
    channel.port1.on('message', (answer: BatchAnswer) => commits.answered(answer));
    channel.port2.on('message', (batch: Batch) => {
      batches.push(batch);
      arrived();
    });
  });
  afterEach(() => channel.port1.close());

  const batch = async (n: number): Promise<Batch> => {
    while (batches.length <= n) await new Promise<void>((resolve) => (arrived = resolve));
    return batches[n] as Batch;
  };
  const answer = (change: Partial<BatchAnswer> = {}): void =>
    channel.port2.postMessage({ batch: 0, stored: true, answers: null, ...change } satisfies BatchAnswer);
  const add = (size: number): Promise<unknown> => {
    const target = encodeMessage(mail());
    return commits.add(target, [{ target, bytes: new Uint8Array(size).fill(size) }]);
  };

  it('sends together what came in one turn, and the rest when the answer is there', async () => {
    const first = [add(3), add(4)];
    const { items, slab } = await batch(0);
    expect(items).toMatchObject([{ body: { offset: 0, length: 3 } }, { body: { offset: 3, length: 4 } }]);
    expect([...new Uint8Array(slab)]).toEqual([3, 3, 3, 4, 4, 4, 4]);
    const second = [add(1), add(2), add(5)];
    await nextTurn();
    await nextTurn();
    expect(batches).toHaveLength(1);
    answer();
    await Promise.all(first);
    expect((await batch(1)).items).toHaveLength(3);
    answer();
    await Promise.all(second);
    expect(commits.unwritten).toBe(0);
  });

  it('bounds a batch by number and by bytes', async () => {
    const megabyte = 1024 * 1024;
    const all = Array.from({ length: 600 }, () => add(10));
    const large = Array.from({ length: 5 }, () => add(3 * megabyte));
    expect((await batch(0)).items).toHaveLength(500);
    expect(commits.unwritten).toBeGreaterThan(15 * megabyte);
    answer();
    const second = await batch(1);
    expect(second.items).toHaveLength(102);
    expect(second.slab.byteLength).toBeLessThanOrEqual(8 * megabyte);
    answer();
    expect((await batch(2)).items).toHaveLength(2);
    answer();
    expect((await batch(3)).items).toHaveLength(1);
    answer();
    await Promise.all([...all, ...large]);
    expect(commits.unwritten).toBe(0);
  });

  it('tells each caller its own answer', async () => {
    const [good, bad, value] = [add(1), add(1), commits.call('removeBlacklist', 'x')];
    await batch(0);
    answer({ answers: [undefined, { failed: 'CONFLICT', message: 'stored already' }, true] });
    await expect(bad).rejects.toMatchObject({ code: 'CONFLICT', message: 'stored already' });
    expect([await good, await value]).toEqual([undefined, true]);
  });

  it('sends counters again that could not be written, unless newer ones are there', async () => {
    const total = (owner: string, units: number) => ({ owner, window: 'hour', units, endsAt: 1 });
    let changed = [total('a', 1), total('b', 1)];
    commits.attachCounters(() => changed.splice(0));
    const failed = add(1);
    expect((await batch(0)).counters).toEqual([total('a', 1), total('b', 1)]);
    answer({ stored: false, answers: [{ failed: 'STORE_FULL', message: 'full' }] });
    await expect(failed).rejects.toMatchObject({ code: 'STORE_FULL' });
    changed = [total('b', 2)];
    const next = add(1);
    expect((await batch(1)).counters).toEqual(expect.arrayContaining([total('a', 1), total('b', 2)]));
    expect(batches[1]?.counters).toHaveLength(2);
    answer();
    await next;
  });

  it('is drained once the last counters are written', async () => {
    let changed = [{ owner: 'a', window: 'hour', units: 1, endsAt: 1 }];
    commits.attachCounters(() => changed.splice(0));
    const drained = commits.drained();
    expect((await batch(0)).counters).toHaveLength(1);
    answer();
    await drained;
    changed = [];
    await commits.drained();
    expect(batches).toHaveLength(1);
  });

  it('takes back what is not in flight yet, and nothing else', async () => {
    const [first, second, third] = [encodeMessage(mail()), encodeMessage(mail()), encodeMessage(mail())];
    const inFlight = commits.add(first);
    await batch(0);
    const waiting = [commits.add(second), commits.add(third)];
    commits.withdraw((item) => item === first || item === second);
    await expect(waiting[0]).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    answer();
    await inFlight;
    expect((await batch(1)).items).toMatchObject([{ id: third.id }]);
    answer();
    await waiting[1];
    expect(commits.unwritten).toBe(0);
  });

  it('is drained, too, once what it waited for is taken back', async () => {
    const first = commits.add(encodeMessage(mail()));
    await batch(0);
    const waiting = commits.add(encodeMessage(mail()));
    const drained = commits.drained();
    commits.withdraw(() => true);
    await expect(waiting).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    answer();
    await Promise.all([first, drained]);
    expect(batches).toHaveLength(1);
  });
});
