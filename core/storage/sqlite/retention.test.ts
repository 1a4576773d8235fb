import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mail, recipient, refusal } from '../../../tests/contract/mail.ts';
import { type TemporaryFolder, temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { chunkSize } from '../ports/message-store.ts';
import { dayMilliseconds } from '../rules/time-spans.ts';
import { conservation, dayToClose } from './conservation.ts';
import { encodeRefusal } from './encode-message.ts';
import { messageWork, settlement, type TestWriter, testWriter, work } from './testing/test-writer.ts';

const times = { captured: 7 * dayMilliseconds, log: 30 * dayMilliseconds, receiving: 600_000 };

describe('retention', () => {
  let folder: TemporaryFolder;
  let test: TestWriter;
  const start = Date.UTC(2026, 0, 10, 12);

  beforeEach(async () => {
    folder = await temporaryFolder('retention');
    test = await testWriter(folder.path, start);
  });
  afterEach(async () => {
    test[Symbol.dispose]();
    await folder.remove();
  });

  const count = (table: string): number => Number(test.database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n);
  const accept = (n: number, change = {}): void => {
    const recipients = [recipient('to@example.com', { nextAt: test.now })];
    const messages = Array.from({ length: n }, () => mail({ facts: { acceptedAt: test.now, ...change }, recipients }));
    const { answers } = test.writer.write(messages.map(messageWork));
    expect(answers.every((answer) => answer === undefined)).toBe(true);
  };
  const settle = (n: number, state: string): void => {
    const { claimed } = test.writer.write([], [{ limit: n }]);
    expect(claimed[0]).toHaveLength(n);
    test.writer.write((claimed[0] ?? []).map((one) => work(settlement(one, state, test.now))));
  };
  const closeDays = (): void => {
    const today = Math.floor(test.now / dayMilliseconds);
    for (let day = dayToClose(test.database, today); day !== null; day = dayToClose(test.database, today)) {
      const parameters = [day.day, JSON.stringify(day.counts)];
      test.writer.write([work({ kind: 'call', method: 'closeDay', parameters })]);
    }
  };
  /** Rows deleted by each step, until nothing is left to do. */
  const sweep = (): number[] => {
    const steps: number[] = [];
    for (;;) {
      const [deleted] = test.writer.write([work({ kind: 'call', method: 'retain', parameters: [times] })]).answers;
      if (deleted === 0) return steps;
      steps.push(Number(deleted));
    }
  };

  it('deletes finished mail after its time in batches of 500, and the sum stays what it was', () => {
    accept(1_200);
    settle(1_100, 'delivered');
    accept(5, { origin: 'bounce' });
    test.writer.write([work(encodeRefusal(refusal({ at: test.now }), true))]);
    test.now += dayMilliseconds;
    settle(50, 'bounced');
    const before = conservation(test.database);
    expect(before).toMatchObject({ accepted: 1_200, generated: 5, balanced: true });
    expect(before.states).toMatchObject({ delivered: 1_100, bounced: 50, queued: 55 });

    test.now += 29 * dayMilliseconds;
    closeDays();
    expect(conservation(test.database)).toEqual(before);
    sweep();
    expect([count('outcomes'), count('entries')]).toEqual([1_150, 1_206]);

    test.now += dayMilliseconds;
    expect(Math.max(...sweep())).toBeLessThanOrEqual(500);
    expect(count('outcomes')).toBe(50);
    expect(conservation(test.database)).toEqual(before);

    test.now += dayMilliseconds;
    sweep();
    expect([count('outcomes'), count('entries'), count('facts'), count('queue')]).toEqual([0, 55, 55, 55]);
    expect(conservation(test.database)).toEqual(before);
    settle(55, 'delivered');
    expect(conservation(test.database)).toMatchObject({ balanced: true, states: { delivered: 1_155, queued: 0 } });
  });

  it('keeps events for a day, in the order of their coming, and never gives an id twice', () => {
    accept(600);
    test.now += dayMilliseconds - 1;
    accept(1);
    expect(sweep()).toEqual([]);
    test.now += 1;
    expect(sweep()).toEqual([500, 100]);
    test.now += dayMilliseconds;
    expect(sweep()).toEqual([1]);
    accept(1);
    expect(test.database.prepare('SELECT id FROM events').all()).toEqual([{ id: 602 }]);
  });

  it('keeps statistics for 400 days, and deletes them in batches', () => {
    const tables = ['statistics', 'domain_statistics', 'upstream_statistics'];
    const later = [recipient('to@example.com', { state: 'delivered', upstream: 'default', nextAt: null })];
    const domains = Array.from({ length: 400 }, (_, n) =>
      recipient(`to@${n}.test`, { state: 'delivered', upstream: 'default', nextAt: null }),
    );
    const accepted = (recipients: typeof later): void => {
      for (const ownerId of ['one', 'two']) {
        test.writer.write([messageWork(mail({ facts: { ownerId, acceptedAt: test.now }, recipients }))]);
      }
    };
    accepted(domains);
    test.now += 3_600_000;
    accepted(later);
    expect(tables.map(count)).toEqual([4, 802, 4]);
    test.now += 400 * dayMilliseconds - 3_600_001;
    closeDays();
    sweep();
    expect(tables.map(count)).toEqual([4, 802, 4]);
    test.now += 1;
    expect(sweep()).toEqual(expect.arrayContaining([500, 300]));
    expect(tables.map(count)).toEqual([2, 2, 2]);
    test.now += 3_600_000;
    sweep();
    expect(tables.map(count)).toEqual([0, 0, 0]);
  });

  it('does not delete what no closed day speaks for', () => {
    accept(3);
    settle(3, 'delivered');
    test.now += 60 * dayMilliseconds;
    sweep();
    expect(count('outcomes')).toBe(3);
    closeDays();
    sweep();
    expect([count('outcomes'), count('terms')]).toEqual([0, expect.any(Number)]);
    expect(conservation(test.database)).toMatchObject({ accepted: 3, balanced: true, states: { delivered: 3 } });
  });

  it('counts what becomes final under a clock that went back', () => {
    accept(2);
    settle(1, 'delivered');
    test.now += 2 * dayMilliseconds;
    closeDays();
    test.now -= 2 * dayMilliseconds;
    settle(1, 'delivered');
    expect(conservation(test.database)).toMatchObject({ accepted: 2, balanced: true, states: { delivered: 2 } });
  });

  it('keeps captured bodies for their time', () => {
    accept(3);
    settle(3, 'captured');
    expect(sweep()).toEqual([]);
    expect(count('bodies')).toBe(3);
    test.now += 7 * dayMilliseconds;
    sweep();
    expect([count('bodies'), count('body_purges'), count('outcomes')]).toEqual([0, 0, 3]);
  });

  it('gives up large bodies that never were committed, and deletes finished ones piece by piece', () => {
    const pieces = 6;
    const receive = (id: string): void => {
      test.writer.write([work({ kind: 'begin-body', id })]);
      for (let n = 0; n < pieces; n += 1) {
        const body = { chunks: 1, offset: 0, length: chunkSize };
        test.writer.write([{ item: { kind: 'chunk', id, n, body }, slab: new ArrayBuffer(chunkSize) }]);
      }
    };
    const [orphan, whole] = [mail(), mail({ recipients: [recipient('to@example.com', { nextAt: test.now })] })];
    receive(orphan.facts.id);
    receive(whole.facts.id);
    const stored = { ...whole, body: { kind: 'chunks', count: pieces } } as const;
    expect(test.writer.write([messageWork(stored)]).answers).toEqual([undefined]);
    settle(1, 'delivered');
    expect(count('bodies')).toBe(2 * pieces);
    sweep();
    expect([count('bodies'), count('receiving')]).toEqual([pieces, 1]);
    test.now += times.receiving;
    sweep();
    expect([count('bodies'), count('receiving'), count('body_purges')]).toEqual([0, 0, 0]);
    const late = messageWork({ ...orphan, body: { kind: 'chunks', count: pieces } });
    expect(test.writer.write([late]).answers).toMatchObject([{ failed: 'CONFLICT' }]);
  });

  it('forgets what expired', () => {
    const call = (method: 'setKeyValue' | 'putBlacklist' | 'startSession', ...parameters: unknown[]): void => {
      test.writer.write([work({ kind: 'call', method, parameters })]);
    };
    const soon = test.now + 1_000;
    call('setKeyValue', 'plugin', 'key', '1', soon);
    call('setKeyValue', 'plugin', 'lasting', '1', null);
    const entry = { reason: 'r', source: 'auto-ban', createdAt: 1, updatedAt: 1 };
    call('putBlacklist', [{ ...entry, id: 'a', network: '192.0.2.1/32', expiresAt: soon }]);
    call('putBlacklist', [{ ...entry, id: 'b', network: '192.0.2.2/32', expiresAt: null }]);
    const session = { id: 's', userId: 'u', createdAt: 1, expiresAt: soon, revokedAt: null, lastUsedAt: 1 };
    call('startSession', { ...session, address: null, userAgent: null }, { fingerprint: 't', expiresAt: soon });
    test.writer.write([], [], [{ owner: 'user:a', window: 'hour', units: 1, endsAt: soon }]);
    sweep();
    expect(['key_values', 'blacklist', 'sessions', 'counters'].map(count)).toEqual([2, 2, 1, 1]);
    test.now = soon;
    sweep();
    expect(['key_values', 'blacklist', 'sessions', 'counters'].map(count)).toEqual([1, 1, 0, 0]);
  });
});
