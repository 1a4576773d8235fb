import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  bucketOf,
  deliveryBounds,
  emptyHistogram,
  histogramCount,
  mergedHistograms,
  transactionBounds,
} from '../../core/domain/latency-histogram.ts';
import type { Attempt, RecipientRecord } from '../../core/domain/message.ts';
import {
  mostDomains,
  type StatisticsAnswer,
  type StatisticsFilter,
  type StatisticsGrouping,
} from '../../core/storage/ports/delivery-statistics.ts';
import type { Claim } from '../../core/storage/ports/delivery-store.ts';
import { claim, deferred, finished, mail, recipient, refusal } from './mail.ts';
import type { OpenStorage, Storage } from './storage.ts';

const minute = 60_000;
const hour = 60 * minute;
const start = Math.floor(Date.now() / hour) * hour - 10 * hour;
const boundaries = Array.from({ length: 15 }, (_, n) => start + n * hour);

type Count = keyof StatisticsAnswer['intervals'][number]['counts'];

/** Sum of one counter over all intervals. */
const sum = ({ intervals }: Pick<StatisticsAnswer, 'intervals'>, count: Count): number =>
  intervals.reduce((total, { counts }) => total + counts[count], 0);

/** What is not 0 of all intervals together. */
function counted(answer: StatisticsAnswer): Partial<Record<Count, number>> {
  const names = Object.keys(answer.intervals[0]?.counts ?? {}) as Count[];
  return Object.fromEntries(names.map((name) => [name, sum(answer, name)]).filter(([, count]) => count !== 0));
}

const attempt = (upstream: string, milliseconds: number): Attempt => ({
  messageId: 'm',
  at: Date.now(),
  upstream,
  host: '192.0.2.25:25',
  phase: 'done',
  tls: null,
  milliseconds,
  ambiguous: false,
  results: [],
});

/** What every adapter of `DeliveryStatistics` has to do. */
export function describeDeliveryStatistics(name: string, open: OpenStorage): void {
  const settle = (
    storage: Storage,
    { lease }: Claim,
    recipients: readonly RecipientRecord[],
    attempts: readonly Attempt[] = [],
  ) =>
    storage.deliveries.settle({
      lease,
      recipients: recipients.map((one, index) => ({ index, recipient: one })),
      attempts,
      generated: [],
      release: true,
    });

  describe(`${name} as statistics`, () => {
    let storage: Storage;
    const ask = (
      filter: StatisticsFilter = {},
      options: { groupBy?: StatisticsGrouping; top?: number; boundaries?: readonly number[] } = {},
    ): Promise<StatisticsAnswer> =>
      storage.deliveryStatistics.summarise({ ...filter, boundaries, top: 10, ...options });

    beforeAll(async () => {
      storage = await open();
      const alice = { ownerId: 'alice', credentialId: 'alice-1' };
      const labels = new Map<string, string>();
      const store = async (label: string, message: ReturnType<typeof mail>): Promise<void> => {
        labels.set(message.facts.id, label);
        await storage.messages.commit(message);
      };
      await store(
        'sent',
        mail({
          facts: { ...alice, acceptedAt: start },
          recipients: [recipient('a@x.test'), recipient('b@x.test'), recipient('c@y.test')],
        }),
      );
      await store(
        'mixed',
        mail({
          facts: { ...alice, credentialId: 'alice-2', acceptedAt: start + 59 * minute },
          recipients: [recipient('a@x.test'), recipient('d@z.test')],
        }),
      );
      await store(
        'waiting',
        mail({
          facts: { ownerId: 'network:lan', credentialId: null, acceptedAt: start + hour },
          recipients: [recipient('a@y.test')],
        }),
      );
      await store(
        'report',
        mail({ facts: { origin: 'bounce', ownerId: 'alice', credentialId: 'alice-1', acceptedAt: start } }),
      );
      storage.messages.recordRefusal(refusal({ at: start + 2 * hour, ...alice }));
      for (const one of await claim(storage.deliveries)) {
        const { recipients } = one.record;
        switch (labels.get(one.record.id)) {
          case 'sent':
            await settle(
              storage,
              one,
              recipients.map((it) => ({ ...finished(it), upstream: 'main', finalAt: start + 200 })),
              [attempt('main', 42)],
            );
            break;
          case 'mixed': {
            const [first, second] = recipients as [RecipientRecord, RecipientRecord];
            await settle(
              storage,
              one,
              [
                { ...finished(first, 'bounced'), upstream: 'backup' },
                { ...deferred(second, Date.now() + hour), upstream: 'backup' },
              ],
              [attempt('main', 30_000), attempt('backup', 100)],
            );
            break;
          }
          case 'waiting':
            await settle(storage, one, [{ ...(recipients[0] as RecipientRecord), state: 'held', nextAt: null }]);
            break;
          default:
            await settle(
              storage,
              one,
              recipients.map((it) => finished(it)),
              [attempt('main', 7)],
            );
        }
      }
      await storage.queueActions.act([...labels].find(([, label]) => label === 'waiting')?.[0] ?? '', { do: 'cancel' });
    });
    afterAll(() => storage.close());

    it('counts what came and what became of it, our own reports left out', async () => {
      expect(counted(await ask())).toEqual({
        accepted: 6,
        delivered: 3,
        bounced: 1,
        cancelled: 1,
        deferred: 1,
        refused: 1,
      });
    });

    it('puts each count into its interval, whatever their lengths', async () => {
      const hourly = await ask();
      expect(hourly.intervals).toHaveLength(boundaries.length - 1);
      expect(hourly.intervals.slice(0, 4).map(({ counts }) => [counts.accepted, counts.refused])).toEqual([
        [5, 0],
        [1, 0],
        [0, 1],
        [0, 0],
      ]);
      const uneven = await ask({}, { boundaries: [start - 5 * hour, start + hour, start + 3 * hour] });
      expect(uneven.intervals.map(({ counts }) => [counts.accepted, counts.refused])).toEqual([
        [5, 0],
        [1, 1],
      ]);
      const later = await ask({}, { boundaries: [start + 3 * hour, start + 4 * hour] });
      expect(counted(later)).toEqual({});
    });

    it.each<[StatisticsFilter, Partial<Record<Count, number>>]>([
      [{ ownerId: 'alice' }, { accepted: 5, delivered: 3, bounced: 1, deferred: 1, refused: 1 }],
      [{ ownerId: 'network:lan' }, { accepted: 1, cancelled: 1 }],
      [{ ownerId: 'nobody' }, {}],
      [{ credentialId: 'alice-2' }, { accepted: 2, bounced: 1, deferred: 1 }],
      [{ ownerId: 'network:lan', credentialId: 'alice-2' }, {}],
      [{ domain: 'x.test' }, { accepted: 3, delivered: 2, bounced: 1 }],
      [
        { domain: 'x.test', credentialId: 'alice-1' },
        { accepted: 2, delivered: 2 },
      ],
      [
        { domain: 'y.test', ownerId: 'network:lan' },
        { accepted: 1, cancelled: 1 },
      ],
      [{ domain: 'none.test' }, {}],
      [{ upstream: 'main' }, { delivered: 3 }],
      [{ upstream: 'backup' }, { bounced: 1, deferred: 1 }],
      [{ upstream: 'backup', ownerId: 'network:lan' }, {}],
      [{ upstream: 'none' }, {}],
    ])('counts only %j', async (filter, expected) => {
      expect(counted(await ask(filter))).toEqual(expected);
    });

    it('tells how long mail and transactions took, by histograms that can be added up', async () => {
      const all = await ask();
      const delivery = emptyHistogram();
      delivery[bucketOf(deliveryBounds, 200)] = 3;
      expect(mergedHistograms(all.intervals.map((one) => one.delivery))).toEqual(delivery);
      const transactions = mergedHistograms(all.intervals.map((one) => one.transactions));
      const expected = emptyHistogram();
      for (const took of [42, 30_000, 100]) expected[bucketOf(transactionBounds, took)] = 1;
      expect(transactions).toEqual(expected);
      const backup = await ask({ upstream: 'backup' });
      expect(histogramCount(mergedHistograms(backup.intervals.map((one) => one.transactions)))).toBe(1);
      expect(histogramCount(mergedHistograms(backup.intervals.map((one) => one.delivery)))).toBe(0);
      const byDomain = await ask({ domain: 'x.test' });
      expect(histogramCount(mergedHistograms(byDomain.intervals.map((one) => one.delivery)))).toBe(0);
    });

    it('groups by owner', async () => {
      const { groups, others } = await ask({}, { groupBy: 'owner' });
      expect(groups.map(({ key, counts }) => [key, counts.accepted, counts.delivered])).toEqual([
        ['alice', 5, 3],
        ['network:lan', 1, 0],
      ]);
      expect(others).toBeNull();
    });

    it('groups by credential, mail without one under null, with latencies', async () => {
      const { groups } = await ask({}, { groupBy: 'credential' });
      expect(groups.map(({ key, counts }) => [key, counts.accepted])).toEqual([
        ['alice-1', 3],
        ['alice-2', 2],
        [null, 1],
      ]);
      expect(
        groups.map(({ delivery, transactions }) => [histogramCount(delivery), histogramCount(transactions)]),
      ).toEqual([
        [3, 1],
        [0, 2],
        [0, 0],
      ]);
      expect(groups[0]?.series.slice(0, 3)).toEqual([3, 0, 0]);
      expect(groups[2]?.series.slice(0, 3)).toEqual([0, 1, 0]);
    });

    it('groups by domain', async () => {
      const { groups } = await ask({ ownerId: 'alice' }, { groupBy: 'domain' });
      const found = groups.map(({ key, counts }) => [key, counts.accepted, counts.delivered, counts.bounced]);
      expect(found[0]).toEqual(['x.test', 3, 2, 1]);
      expect(found.slice(1).sort()).toEqual([
        ['y.test', 1, 1, 0],
        ['z.test', 1, 0, 0],
      ]);
    });

    it('groups by upstream, ranked by what had an outcome there', async () => {
      const { groups } = await ask({}, { groupBy: 'upstream' });
      expect(groups.map(({ key, counts }) => [key, counts.delivered, counts.bounced, counts.deferred])).toEqual([
        ['main', 3, 0, 0],
        ['backup', 0, 1, 1],
      ]);
      expect(groups.map(({ series }) => series.reduce((total, count) => total + count, 0))).toEqual([3, 2]);
      expect(groups.map(({ transactions }) => histogramCount(transactions))).toEqual([2, 1]);
    });

    it('adds up what is not among the largest', async () => {
      const { groups, others } = await ask({}, { groupBy: 'domain', top: 1 });
      expect(groups.map(({ key }) => key)).toEqual(['x.test']);
      expect(others).toMatchObject({ groups: 2, counts: { accepted: 3, delivered: 1, cancelled: 1, deferred: 1 } });
      expect(others?.series.slice(0, 3)).toEqual([2, 1, 0]);
      const none = await ask({}, { groupBy: 'owner', top: 0 });
      expect(none.groups).toEqual([]);
      expect(none.others).toMatchObject({ groups: 2, counts: { accepted: 6 } });
    });

    it('has nothing to group where there is nothing', async () => {
      const answer = await ask({ ownerId: 'nobody' }, { groupBy: 'domain' });
      expect([answer.groups, answer.others]).toEqual([[], null]);
    });
  });

  describe(`${name} as statistics of much mail`, () => {
    let storage: Storage;
    beforeEach(async () => {
      storage = await open();
    });
    afterEach(() => storage.close());

    const domains = async (ownerId: string) => {
      const { groups, others } = await storage.deliveryStatistics.summarise({
        ownerId,
        boundaries,
        groupBy: 'domain',
        top: 5,
      });
      return {
        named: groups.length + (others?.groups ?? 0),
        accepted: [...groups, ...(others === null ? [] : [others])].reduce((all, one) => all + one.counts.accepted, 0),
      };
    };
    const manyDomains = (count: number, prefix: string, credentialId = 'c-1') =>
      mail({
        facts: { ownerId: 'many', credentialId, acceptedAt: start },
        recipients: Array.from({ length: count }, (_, n) => recipient(`to@${prefix}${n}.test`)),
      });

    it('counts a bounded number of domains by name, and the others all the same', async () => {
      await storage.messages.commit(manyDomains(mostDomains - 10, 'a'));
      expect(await domains('many')).toEqual({ named: mostDomains - 10, accepted: mostDomains - 10 });
      await storage.messages.commit(manyDomains(100, 'b'));
      expect(await domains('many')).toEqual({ named: mostDomains, accepted: mostDomains + 90 });
      storage = await storage.reopen();
      await storage.messages.commit(manyDomains(100, 'c', 'c-2'));
      await storage.messages.commit(manyDomains(10, 'a'));
      expect(await domains('many')).toEqual({ named: mostDomains, accepted: mostDomains + 200 });
      await storage.messages.commit(mail({ facts: { ownerId: 'few', acceptedAt: start } }));
      expect(await domains('few')).toEqual({ named: 1, accepted: 1 });
    });

    it('keeps what it counted when its processes are gone', async () => {
      const all = () => storage.deliveryStatistics.summarise({ boundaries, groupBy: 'upstream', top: 5 });
      await storage.messages.commit(mail({ facts: { acceptedAt: start }, recipients: [recipient('a@x.test')] }));
      for (const one of await claim(storage.deliveries)) {
        await settle(
          storage,
          one,
          one.record.recipients.map((it) => finished(it)),
          [attempt('default', 12)],
        );
      }
      const before = await all();
      expect(counted(before)).toEqual({ accepted: 1, delivered: 1 });
      expect(before.groups.map(({ key }) => key)).toEqual(['default']);
      storage = await storage.crash();
      expect(await all()).toEqual(before);
    });

    it('counts neither a settlement whose lease was lost nor a message that was stored before', async () => {
      const message = mail({ facts: { acceptedAt: start } });
      await storage.messages.commit(message);
      await expect(storage.messages.commit(message)).rejects.toMatchObject({ code: 'CONFLICT' });
      const [one] = await claim(storage.deliveries);
      if (one === undefined) throw new Error('a claim was expected');
      const outcome = one.record.recipients.map((it) => finished(it));
      await settle(storage, one, outcome, [attempt('default', 12)]);
      expect(await settle(storage, one, outcome, [attempt('default', 12)])).toMatchObject({ status: 'lost' });
      const answer = await storage.deliveryStatistics.summarise({ boundaries, top: 0 });
      expect(counted(answer)).toEqual({ accepted: 1, delivered: 1 });
      expect(histogramCount(mergedHistograms(answer.intervals.map(({ transactions }) => transactions)))).toBe(1);
    });
  });
}
