import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTestApi, type TestApi, type TestUser } from '../testing/start-test-api.ts';

let api: TestApi;
let admin: TestUser;
let anna: TestUser;
let bert: TestUser;
let kept: string;
let sent: string;
beforeEach(async () => {
  api = await startTestApi();
  admin = await api.administrator();
  anna = await api.user('anna');
  bert = await api.user('bert');
  const at = api.clock.now();
  const final = { nextAt: null, finalAt: at, attempts: 1 } as const;
  kept = await api.message(anna.id, { subject: 'kept' }, [{ ...final, state: 'captured', upstream: 'box' }]);
  sent = await api.message(anna.id, { subject: 'sent' }, [{ ...final, state: 'delivered', upstream: 'main' }]);
});
afterEach(() => api.close());

const get = (target: string, who = admin) => api.wire('GET', `/api/captured${target}`, { token: who.token });

test('lists what was captured, and nothing else', async () => {
  const all = await get('');
  expect(all.body).toMatchObject({ items: [{ id: kept, subject: 'kept', status: 'captured' }], next: null });
  expect((await get('?address=recipient@example.com')).body).toMatchObject({ items: [{ id: kept }] });
  expect((await get('?domain=elsewhere.example')).body).toMatchObject({ items: [] });
  expect((await get(`?owner_id=${bert.id}`)).body).toMatchObject({ items: [] });
  const second = await api.message(anna.id, { acceptedAt: api.clock.now() + 1 }, [
    { state: 'captured', nextAt: null, finalAt: api.clock.now() },
  ]);
  expect((await get('?sort=oldest')).body).toMatchObject({ items: [{ id: kept }, { id: second }] });
  expect((await get('?upstream=box')).body).toMatchObject({ items: [{ id: kept }] });
  const page = await get('?limit=1');
  expect(page.body).toMatchObject({ items: [{ id: second }] });
  expect((await get(`?limit=1&cursor=${page.field('next')}`)).body).toMatchObject({
    items: [{ id: kept }],
    next: null,
  });
});

test('shows one with its trace, and its text as it would have been sent', async () => {
  expect((await get(`/${kept}`, anna)).body).toMatchObject({ id: kept, trace: [{ hook: 'mailFrom' }], attempts: [] });
  const raw = await get(`/${kept}/raw`, anna);
  expect([raw.headers['content-type'], raw.text]).toEqual(['message/rfc822', 'Subject: hello\r\n\r\nhello\r\n']);
  expect(raw.headers['content-disposition']).toBe(`attachment; filename="${kept}.eml"`);
  for (const target of [`/${sent}`, `/${sent}/raw`]) expect((await get(target, anna)).status).toBe(404);
});

test('belongs to its owner', async () => {
  expect((await get('', bert)).body).toMatchObject({ items: [] });
  expect((await get('', anna)).body).toMatchObject({ items: [{ id: kept }] });
  for (const target of [`/${kept}`, `/${kept}/raw`]) expect((await get(target, bert)).status).toBe(404);
  expect((await get(`?owner_id=${anna.id}`, bert)).status).toBe(403);
});
