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

const list = async (query: string) => {
  const { items } = (await socket('GET', `/api/users?${query}`)).body as { items: { username: string }[] };
  return items.map(({ username }) => username);
};

test('lists are filtered and sorted', async () => {
  await api.administrator();
  for (const name of ['dora', 'anna', 'bert']) await api.user(name);
  const { id } = (await api.store.accounts.userByUsername('anna')) ?? { id: '' };
  await api.accountsService.changeUser(id, { enabled: false });
  expect(await list('sort=username')).toEqual(['anna', 'bert', 'dora', 'root']);
  expect(await list('sort=-email')).toEqual(['root', 'dora', 'bert', 'anna']);
  expect(await list('sort=-created_at')).toEqual(['bert', 'anna', 'dora', 'root']);
  expect(await list('role=admin')).toEqual(['root']);
  expect(await list('enabled=false')).toEqual(['anna']);
  expect(await list('search=R&enabled=true&role=user')).toEqual(['dora', 'bert']);
  for (const wrong of ['sort=password', 'enabled=maybe', 'role=root', 'search=']) {
    expect((await socket('GET', `/api/users?${wrong}`)).status).toBe(422);
  }
});

test('a user is changed by whoever read the newest version', async () => {
  const { token } = await api.administrator();
  const anna = await api.user('anna');
  const path = `/api/users/${anna.id}`;
  const read = await api.wire('GET', path, { token });
  const etag = String(read.headers.etag);
  const patch = (body: object, headers: Record<string, string> = {}) =>
    api.wire('PATCH', path, { token, body, headers });
  const without = await patch({ daily_quota: 1 });
  expect([without.status, without.field('code')]).toEqual([428, 'PRECONDITION_REQUIRED']);
  const first = await patch({ daily_quota: 1 }, { 'if-match': etag });
  expect(first.body).toMatchObject({ daily_quota: 1, hourly_quota: null, username: 'anna' });
  const stale = await patch({ daily_quota: 2 }, { 'if-match': etag });
  expect([stale.status, stale.field('code')]).toEqual([412, 'PRECONDITION_FAILED']);
  expect((await patch({ daily_quota: 3 }, { 'if-match': `"x", ${first.headers.etag}` })).status).toBe(200);
  expect((await patch({ hourly_quota: 4 }, { 'if-match': '*' })).body).toMatchObject({
    daily_quota: 3,
    hourly_quota: 4,
  });
  const now = await api.wire('GET', path, { token });
  const racing = await Promise.all(
    Array.from({ length: 8 }, (_, n) => patch({ daily_quota: n }, { 'if-match': String(now.headers.etag) })),
  );
  expect(racing.filter(({ status }) => status === 200)).toHaveLength(1);
  expect(racing.filter(({ status }) => status === 412)).toHaveLength(7);
});

test('a change is refused that takes another’s email, or names what cannot be changed', async () => {
  const { token } = await api.administrator();
  const anna = await api.user('anna');
  const change = (body: object) =>
    api.wire('PATCH', `/api/users/${anna.id}`, { token, body, headers: { 'if-match': '*' } });
  expect((await change({ email: 'ROOT@example.com' })).status).toBe(409);
  expect((await change({ email: 'anna@example.com' })).status).toBe(200);
  for (const field of ['id', 'username', 'created_at', 'deletedAt', 'dailyQuota']) {
    expect((await change({ [field]: 'x' })).body).toMatchObject({ status: 422, problems: [{ path: `body.${field}` }] });
  }
});

test('a deleted user is gone, with logins and credentials', async () => {
  const { token } = await api.administrator();
  const anna = await api.user('anna');
  const { credential } = await api.accountsService.createCredential(anna.id, { name: 'shop' });
  const path = `/api/users/${anna.id}`;
  expect((await api.wire('DELETE', path, { token })).status).toBe(204);
  expect((await api.wire('GET', path, { token })).status).toBe(404);
  expect((await api.wire('DELETE', path, { token })).status).toBe(404);
  expect((await api.wire('GET', '/api/auth/me', { token: anna.token })).status).toBe(401);
  expect(await api.store.accounts.credential(credential.id)).toMatchObject({ enabled: false });
  const again = { username: 'anna', email: 'anna2@example.com', password };
  expect((await api.wire('POST', '/api/users', { token, body: again })).status).toBe(409);
});

test('nobody deletes, switches off or demotes themselves', async () => {
  const { id, token } = await api.administrator();
  const path = `/api/users/${id}`;
  expect((await api.wire('DELETE', path, { token })).status).toBe(409);
  for (const body of [{ enabled: false }, { role: 'user' }]) {
    const answer = await api.wire('PATCH', path, { token, body, headers: { 'if-match': '*' } });
    expect(answer.status).toBe(409);
  }
  expect((await api.wire('GET', path, { token })).body).toMatchObject({ role: 'admin', enabled: true });
});

test('a user reads the own account, and nobody else’s', async () => {
  const root = await api.administrator();
  const anna = await api.user('anna');
  expect((await api.wire('GET', `/api/users/${anna.id}`, { token: anna.token })).body).toMatchObject({
    username: 'anna',
  });
  expect((await api.wire('GET', `/api/users/${root.id}`, { token: anna.token })).status).toBe(404);
});
