import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mail, recipient } from '../../../tests/contract/mail.ts';
import { type TemporaryFolder, temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { conservation } from './conservation.ts';
import { messageWork, settlement, type TestWriter, testWriter, work } from './testing/test-writer.ts';

describe('the writer', () => {
  let folder: TemporaryFolder;
  let test: TestWriter;

  beforeEach(async () => {
    folder = await temporaryFolder('writer');
    test = await testWriter(folder.path);
  });
  afterEach(async () => {
    test[Symbol.dispose]();
    await folder.remove();
  });

  const accepted = (n: number, nextAt = test.now): ReturnType<typeof messageWork>[] =>
    Array.from({ length: n }, () => messageWork(mail({ recipients: [recipient('to@example.com', { nextAt })] })));

  it('writes a whole batch in one commit, and none for a batch that changes nothing', () => {
    const before = test.writer.commitSeq;
    test.writer.write(accepted(100), [{ limit: 3 }]);
    expect(test.writer.commitSeq).toBe(before + 1);
    test.writer.write([], [], []);
    expect(test.writer.commitSeq).toBe(before + 1);
  });

  it('leases fresh mail as it is inserted, so that the claim is durable before the relay sees it', () => {
    const { claimed } = test.writer.write(accepted(5), [{ limit: 2 }, { limit: 2 }]);
    expect(claimed.map((one) => one.length)).toEqual([2, 2]);
    const leased = test.database.prepare('SELECT count(*) AS n FROM queue WHERE lease = ?').get(test.writer.commitSeq);
    expect(leased?.n).toBe(4);
    expect(new Set(claimed.flat().map(({ seq }) => seq)).size).toBe(4);
  });

  it('gives no place to mail that is not due', () => {
    expect(test.writer.write(accepted(3, test.now + 1), [{ limit: 5 }]).claimed).toEqual([[]]);
    expect(test.writer.nextDue()).toBe(test.now + 1);
    test.now += 1;
    expect(test.writer.write([], [{ limit: 5 }]).claimed[0]).toHaveLength(3);
    expect(test.writer.nextDue()).toBeNull();
  });

  it('lets an item that cannot be done fail alone, however it fails', () => {
    const [first, second] = accepted(2);
    if (first?.item.kind !== 'message' || second === undefined) throw new Error('messages were expected');
    const broken = { ...first, item: { ...first.item, recipients: 'no JSON' } };
    const { answers } = test.writer.write([broken, second]);
    expect(answers).toMatchObject([{ failed: 'INTERNAL' }, undefined]);
    expect(conservation(test.database)).toMatchObject({ accepted: 1, balanced: true, states: { queued: 1 } });
    const again = test.writer.write([second, ...accepted(1)]);
    expect(again.answers).toMatchObject([{ failed: 'CONFLICT' }, undefined]);
  });

  it('keeps its totals right over batches that were rolled back', () => {
    test.writer.write(accepted(3));
    const [one] = accepted(1);
    if (one?.item.kind !== 'message') throw new Error('a message was expected');
    test.writer.write([...accepted(2), { ...one, item: { ...one.item, recipients: '{' } }]);
    const { claimed } = test.writer.write([], [{ limit: 2 }]);
    test.writer.write((claimed[0] ?? []).map((claim) => work(settlement(claim, 'delivered', test.now))));
    const row = test.database.prepare('SELECT messages, queued, deferred, held FROM store').get();
    expect({ ...row }).toEqual({ messages: 3, queued: 3, deferred: 0, held: 0 });
    expect(test.database.prepare('SELECT count(*) AS n FROM queue').get()?.n).toBe(3);
  });

  it('reads again what it did not keep in memory', () => {
    const bodies = Array.from({ length: 40 }, (_, n) => Buffer.alloc(1024 * 1024, n));
    const recipients = [recipient('to@example.com', { nextAt: test.now })];
    for (const bytes of bodies) test.writer.write([messageWork(mail({ recipients, bytes }))]);
    const { claimed } = test.writer.write([], [{ limit: 40 }]);
    const firsts = (claimed[0] ?? []).map(({ body }) => body?.[0] ?? -1);
    expect(firsts.sort((a, b) => a - b)).toEqual(bodies.map((_, n) => n));
  });
});
