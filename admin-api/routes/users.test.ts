import { afterEach, beforeEach, expect, test } from 'vitest';
import { password, startTestApi, type TestApi } from '../testing/start-test-api.ts';
import { type Wire, wireTo } from '../testing/wire.ts';

let api: TestApi;
let socket: Wire;
beforeEach(async () => {
  api = await startTestApi();
  socket = wireTo({ socketPath: api.socket });
});
afterEach(() => api.close());

test('an administrator makes users, with limits; their passwords are never shown', async () => {
  const { token } = await api.administrator();
  const body = { username: 'Shop', email: 'Shop@Example.com', password, daily_quota: 5, domains: ['Example.com'] };
  const made = await api.wire('POST', '/api/users', { token, body });
  expect(made.body).toMatchObject({
    username: 'shop',
    email: 'shop@example.com',
    role: 'user',
    daily_quota: 5,
    hourly_quota: null,
    domains: ['example.com'],
  });
  const taken = await api.wire('POST', '/api/users', { token, body });
  expect([taken.status, taken.field('code')]).toEqual([409, 'CONFLICT']);
  expect(JSON.stringify(api.logged)).not.toContain(password);
  const login = await api.wire('POST', '/api/auth/login', { body: { email: 'shop@example.com', password } });
  expect(login.status).toBe(200);
});

test('the first administrator made on the control socket closes the set-up', async () => {
  const body = { username: 'root', email: 'root@example.com', password, role: 'admin', daily_quota: 9 };
  const made = await socket('POST', '/api/users', { body });
  expect(made.body).toMatchObject({ role: 'admin', enabled: true, daily_quota: 9 });
  expect(await api.store.accounts.setupDone()).toBe(true);
  const late = await api.wire('POST', '/api/auth/register', {
    body: { username: 'late', email: 'late@example.com', password },
  });
  expect(late.status).toBe(403);
});

test('a user made before the set-up does not close it', async () => {
  await socket('POST', '/api/users', { body: { username: 'shop', email: 'shop@example.com', password } });
  expect(await api.store.accounts.setupDone()).toBe(false);
});

test('users are listed in pages and found by name and email', async () => {
  await api.administrator();
  const anna = await api.user('anna');
  const bert = await api.user('bert');
  await api.accountsService.deleteUser(bert.id);
  const found = async (query: string) => {
    const { items } = (await socket('GET', `/api/users${query}`)).body as { items: { username: string }[] };
    return items.map(({ username }) => username);
  };
  expect((await found('')).sort()).toEqual(['anna', 'root']);
  expect(await found('?limit=1')).toHaveLength(1);
  expect(await found('?username=ANNA')).toEqual(['anna']);
  expect(await found('?email=anna@example.com')).toEqual(['anna']);
  expect(await found('?username=anna&email=root@example.com')).toEqual([]);
  expect(await found('?username=bert')).toEqual([]);
  expect(await found('?username=nobody')).toEqual([]);
  expect((await socket('GET', '/api/users?username=anna')).body).toMatchObject({ items: [{ id: anna.id }] });
});
