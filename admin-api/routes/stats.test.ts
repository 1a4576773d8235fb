import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { connectDeliveryStore } from '../../core/storage/sqlite/delivery-client.ts';
import { startTestApi, type TestApi, type TestUser } from '../testing/start-test-api.ts';
import { getStats } from './stats.ts';
import { statsExample } from './stats-example.ts';

type Stats = z.output<(typeof getStats)['answers'][200]['schema']>;

let api: TestApi;
let admin: TestUser;
let anna: TestUser;
let shop: string;

/** Every message of this test is tried once: those at y.example are put off, the others go out. */
async function relay(): Promise<void> {
  const { deliveries, close } = connectDeliveryStore(api.store.deliveryPort());
  const signal = new AbortController().signal;
  const claims = await deliveries.claim({ limit: 50, worker: 'test', leaseMilliseconds: 45_000, signal });
  for (const { record, lease } of claims) {
    const recipients = record.recipients.map((recipient, index) => {
      const later = recipient.domain === 'y.example';
      const upstream = later ? 'backup' : 'main';
      const finalAt = record.acceptedAt + 150;
      return {
        index,
        recipient: {
          ...recipient,
          attempts: 1,
          upstream,
          ...(later
            ? ({ state: 'deferred', nextAt: Date.now() + 3_600_000 } as const)
            : ({ state: 'relayed', nextAt: null, finalAt } as const)),
        },
      };
    });
    const upstream = recipients[0]?.recipient.upstream ?? '';
    const attempt = { messageId: record.id, at: Date.now(), upstream, host: null, phase: 'done', tls: null } as const;
    const attempts = [{ ...attempt, milliseconds: 15, ambiguous: false, results: [] }];
    await deliveries.settle({ lease, recipients, attempts, generated: [], release: true });
  }
  await close();
}

beforeAll(async () => {
  api = await startTestApi();
  admin = await api.administrator();
  anna = await api.user('anna');
  shop = (await api.accountsService.createCredential(anna.id, { name: 'shop' })).credential.id;
  const mail = { credentialId: shop };
  for (let n = 0; n < 4; n += 1) {
    await api.message(anna.id, mail, [{ address: `${n}@x.example`, domain: 'x.example' }]);
  }
  await api.message(anna.id, {}, [{ address: 'a@y.example', domain: 'y.example' }]);
  await api.message('network:home', {}, [{ address: 'a@z.example', domain: 'z.example' }]);
  await relay();
});
afterAll(() => api.close());

const ask = (query = '', { token } = anna) => api.wire('GET', `/api/stats${query}`, { token });
/** Until tomorrow: the clock of the store may be past a midnight that this test began before. */
const stats = async (query = '?', who?: TestUser): Promise<Stats> => {
  const until = new Date(api.clock.now() + 86_400_000).toISOString();
  const answer = await ask(query.includes('until=') ? query : `${query}&until=${until}`, who);
  expect(answer.status).toBe(200);
  return answer.body as Stats;
};

test('tells how much mail became what, and how fast', async () => {
  const { totals, intervals, groups, others, group_by } = await stats();
  expect(totals).toMatchObject({ accepted: 5, sent: 4, failed: 0, by_status: { relayed: 4, deferred: 1, refused: 0 } });
  expect(totals.latency.delivery).toEqual({ count: 4, p50: 150, p90: 190, p95: 195, p99: 199 });
  expect(totals.latency.transaction).toEqual({ count: 5, p50: 15, p90: 19, p95: 20, p99: 20 });
  expect([groups, others, group_by]).toEqual([[], null, null]);
  expect(intervals.length).toBeGreaterThanOrEqual(8);
  expect(intervals.reduce((sum, { accepted }) => sum + (accepted ?? 0), 0)).toBe(5);
  expect(intervals.reduce((sum, { latency }) => sum + (latency.delivery?.count ?? 0), 0)).toBe(4);
});

test('says the same as the statistics of the log', async () => {
  const { totals } = await stats();
  const until = new Date(api.clock.now() + 86_400_000).toISOString();
  const log = await api.wire('GET', `/api/mail-logs/stats?until=${until}`, { token: anna.token });
  expect(log.body).toMatchObject({
    totals: { accepted: totals.accepted, sent: totals.sent, failed: totals.failed, refused: totals.by_status.refused },
    by_status: totals.by_status,
  });
});

describe('groups', () => {
  const found = ({ groups }: Stats) => groups.map(({ key, name, count }) => [key, name, count]);

  test('by status', async () => {
    const answer = await stats('?group_by=status');
    expect(found(answer)).toEqual([
      ['relayed', null, 4],
      ['deferred', null, 1],
    ]);
    expect(answer.groups.map(({ figures }) => figures)).toEqual([null, null]);
  });

  test('by credential, with its name', async () => {
    const answer = await stats('?group_by=credential');
    expect(found(answer)).toEqual([
      [shop, 'shop', 4],
      [null, null, 1],
    ]);
    expect(answer.groups[0]?.figures).toMatchObject({ accepted: 4, latency: { transaction: { count: 4 } } });
  });

  test('by domain, without what is not counted by it', async () => {
    const answer = await stats('?group_by=domain');
    expect(found(answer)).toEqual([
      ['x.example', null, 4],
      ['y.example', null, 1],
    ]);
    expect(answer.groups[1]?.figures).toMatchObject({
      accepted: 1,
      by_status: { deferred: 1, refused: null },
      latency: { delivery: null, transaction: null },
    });
    expect(answer.totals.by_status.refused).toBe(0);
  });

  test('by upstream', async () => {
    const answer = await stats('?group_by=upstream');
    expect(found(answer)).toEqual([
      ['main', null, 4],
      ['backup', null, 1],
    ]);
    expect(answer.groups[0]?.figures).toMatchObject({ accepted: null, sent: 4, latency: { delivery: { count: 4 } } });
    expect(answer.totals.accepted).toBe(5);
  });

  test('by owner', async () => {
    expect(found(await stats('?group_by=owner', admin))).toEqual([
      [anna.id, 'anna', 5],
      ['network:home', null, 1],
    ]);
    expect(found(await stats('?group_by=owner'))).toEqual([[anna.id, 'anna', 5]]);
  });

  test('the largest, and all others together', async () => {
    const { groups, others, intervals } = await stats('?group_by=domain&top=1', admin);
    expect(groups.map(({ key }) => key)).toEqual(['x.example']);
    expect(others).toMatchObject({
      groups: 2,
      count: 2,
      figures: { accepted: 2, sent: 1, by_status: { deferred: 1 } },
    });
    for (const one of [...groups, others]) {
      expect(one?.by_interval).toHaveLength(intervals.length);
      expect(one?.by_interval.reduce((sum, count) => sum + count, 0)).toBe(one?.count);
    }
  });
});

describe('filters', () => {
  test.each([
    ['?domain=X.Example', 4, 4],
    ['?domain=y.example.', 1, 0],
    ['?domain=none.example', 0, 0],
    ['?upstream=main', null, 4],
    ['?upstream=backup', null, 0],
    ['?domain=x.example&group_by=status', 4, 4],
  ])('%s', async (query, accepted, sent) => {
    const { totals } = await stats(query);
    expect([totals.accepted, totals.sent]).toEqual([accepted, sent]);
  });

  test('by credential', async () => {
    expect((await stats(`?credential_id=${shop}`)).totals).toMatchObject({ accepted: 4, by_status: { deferred: 0 } });
  });

  test('users see their own, administrators all or one owner', async () => {
    const bert = await api.user('bert');
    expect((await stats('?', bert)).totals).toMatchObject({ accepted: 0, latency: { delivery: null } });
    expect((await stats(`?credential_id=${shop}&group_by=credential`, bert)).groups).toEqual([]);
    const others = await ask(`?owner_id=${anna.id}`, bert);
    expect([others.status, others.field('code')]).toEqual([403, 'FORBIDDEN']);
    expect((await stats('?', admin)).totals.accepted).toBe(6);
    expect((await stats('?owner_id=network:home', admin)).totals.accepted).toBe(1);
  });

  test.each([
    ['?group_by=domain&upstream=main', 'query.group_by'],
    ['?group_by=upstream&domain=x.example', 'query.group_by'],
    ['?domain=x.example&upstream=main', 'query.upstream'],
    ['?from=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z', 'query.from'],
    ['?from=2024-01-01T00:00:00Z&until=2025-12-01T00:00:00Z', 'query.from'],
    ['?interval=hour&from=2026-01-01T00:00:00Z&until=2026-03-01T00:00:00Z', 'query.from'],
    ['?until=9999-12-31T23:59:59Z', 'query.until'],
    ['?from=1970-01-01T00:00:00Z', 'query.from'],
    ['?time_zone=Mars/Olympus', 'query.time_zone'],
    ['?interval=minute', 'query.interval'],
    ['?group_by=sender', 'query.group_by'],
    ['?domain=*', 'query.domain'],
    ['?top=0', 'query.top'],
    ['?top=51', 'query.top'],
  ])('%s is refused', async (query, path) => {
    const answer = await ask(query);
    expect([answer.status, answer.field('code')]).toEqual([422, 'REQUEST_INVALID']);
    expect(answer.body).toMatchObject({ problems: [{ path }] });
  });
});

test('the time zone of an answer is the one that its days begin in', async () => {
  const span = 'from=2026-03-28T12:00:00Z&until=2026-03-29T12:00:00Z';
  const zurich = await stats(`?${span}&time_zone=Europe/Zurich`);
  expect(zurich).toMatchObject({
    time_zone: 'Europe/Zurich',
    from: '2026-03-27T23:00:00.000Z',
    until: '2026-03-29T22:00:00.000Z',
    intervals: [{ start: '2026-03-27T23:00:00.000Z' }, { start: '2026-03-28T23:00:00.000Z' }],
  });
  const kolkata = await stats(`?${span}&time_zone=Asia/Kolkata`);
  expect(kolkata).toMatchObject({
    time_zone: 'UTC',
    from: '2026-03-28T00:00:00.000Z',
    until: '2026-03-30T00:00:00.000Z',
  });
});

test('the example of the document is an answer', () => {
  expect(getStats.answers[200].schema.parse(statsExample)).toEqual(statsExample);
});
