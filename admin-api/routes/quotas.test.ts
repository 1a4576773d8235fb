import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Calendar } from '../../plugins/quota/calendar.ts';
import { startTestApi, type TestApi, type TestUser } from '../testing/start-test-api.ts';

/* The time zone of the quotas is Europe/Berlin there. */

let api: TestApi;
let admin: TestUser;
let anna: TestUser;
let bert: TestUser;
let shop: string;
beforeEach(async () => {
  api = await startTestApi();
  admin = await api.administrator();
  anna = await api.user('anna');
  bert = await api.user('bert');
  const limits = { daily_quota: 10, hourly_quota: 5 };
  ({ id: shop } = (await api.accountsService.createCredential(anna.id, { name: 'shop', ...limits })).credential);
});
afterEach(() => api.close());

const list = async (who: TestUser, query = '') => {
  const answer = await api.wire('GET', `/api/quotas${query}`, { token: who.token });
  return answer.body as { items: { id: string; of: string }[]; next: string | null };
};
const one = async (id: string, who = admin) =>
  (await api.wire('GET', `/api/quotas/${id}`, { token: who.token })).body as Record<string, unknown>;

/** Counts as the plugin does. */
function take(units: number, settle: boolean): void {
  const calendar = new Calendar('Europe/Berlin');
  const now = api.clock.now();
  const windows = [
    { period: calendar.hour(now), limit: 5 },
    { period: calendar.day(now), limit: 10 },
  ].map(({ period: { key, startsAt, endsAt }, limit }) => ({
    account: anna.id,
    owner: `credential:${shop}`,
    window: key,
    limit,
    startsAt,
    endsAt,
  }));
  const reserved = api.counters.reserve(windows, units);
  if (!reserved.ok) throw new Error('there is room');
  if (settle) api.counters.settle([reserved.reservation]);
}

test('tells what is used, what is reserved and what is left, and when it begins anew', async () => {
  take(2, true);
  take(1, false);
  const calendar = new Calendar('Europe/Berlin');
  const [hour, day] = [calendar.hour(api.clock.now()), calendar.day(api.clock.now())];
  const iso = (at: number) => new Date(at).toISOString();
  expect(await one(shop)).toEqual({
    id: shop,
    of: 'credential',
    owner_id: anna.id,
    name: 'shop',
    enforced: true,
    hour: { limit: 5, used: 2, reserved: 1, left: 2, resets_at: iso(hour.endsAt) },
    day: { limit: 10, used: 2, reserved: 1, left: 7, resets_at: iso(day.endsAt) },
  });
  api.clock.advance(hour.endsAt - api.clock.now());
  expect(await one(shop)).toMatchObject({ hour: { used: 0, reserved: 0, left: 5 } });
});

test('what has no limit is not counted', async () => {
  expect(await one(anna.id)).toMatchObject({
    of: 'user',
    name: 'anna',
    hour: { limit: null, used: null, reserved: null, left: null },
  });
});

test('a limit below what is used leaves nothing, not less', async () => {
  take(3, true);
  await api.accountsService.changeCredential(shop, { hourly_quota: 1 });
  expect(await one(shop)).toMatchObject({ hour: { limit: 1, used: 3, left: 0 } });
});

test('while the plugin is off, nothing is enforced and nothing counted', async () => {
  const change = { token: admin.token, body: { enabled: false } };
  expect((await api.wire('PATCH', '/api/plugins/quota', change)).status).toBe(200);
  expect(await one(shop)).toMatchObject({ enforced: false, hour: { limit: 5, used: null, left: null } });
});

describe('the list', () => {
  test('has users first, then credentials, page by page', async () => {
    const expected = [admin.id, anna.id, bert.id, shop];
    for (const limit of [1, 2, 3, 4, 200]) {
      const ids: string[] = [];
      let cursor: string | null = null;
      do {
        const page = await list(admin, `?limit=${limit}${cursor === null ? '' : `&cursor=${cursor}`}`);
        ids.push(...page.items.map(({ id }) => id));
        cursor = page.next;
      } while (cursor !== null);
      expect(ids).toEqual(expected);
    }
    expect((await list(admin, '?cursor=nonsense')).items).toHaveLength(4);
  });

  test('filters', async () => {
    expect((await list(admin, '?of=credential')).items).toMatchObject([{ id: shop }]);
    expect((await list(admin, '?of=user')).items).toHaveLength(3);
    expect((await list(admin, `?owner_id=${anna.id}`)).items).toMatchObject([{ id: anna.id }, { id: shop }]);
    expect((await list(admin, '?search=SHO')).items).toMatchObject([{ id: shop }]);
    expect((await list(anna, '?search=SHO')).items).toMatchObject([{ id: shop }]);
  });

  test('shows users their own only', async () => {
    expect((await list(anna)).items.map(({ id }) => id)).toEqual([anna.id, shop]);
    expect((await list(bert)).items.map(({ id }) => id)).toEqual([bert.id]);
    const asked = await api.wire('GET', `/api/quotas?owner_id=${anna.id}`, { token: bert.token });
    expect(asked.status).toBe(403);
    const others = await Promise.all(
      [shop, anna.id].map((id) => api.wire('GET', `/api/quotas/${id}`, { token: bert.token })),
    );
    expect(others.map(({ status }) => status)).toEqual([404, 404]);
  });

  test('leaves out who is deleted', async () => {
    await api.accountsService.deleteCredential(shop);
    await api.accountsService.deleteUser(bert.id);
    expect((await list(admin)).items.map(({ id }) => id)).toEqual([admin.id, anna.id]);
    expect((await api.wire('GET', `/api/quotas/${shop}`, { token: admin.token })).status).toBe(404);
  });
});
