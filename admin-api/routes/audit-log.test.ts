import { afterAll, beforeAll, expect, test } from 'vitest';
import { password, startTestApi, type TestApi, type TestUser } from '../testing/start-test-api.ts';
import { wireTo } from '../testing/wire.ts';

interface Entry {
  readonly action: string;
  readonly subject: { readonly kind: string; readonly id: string };
  readonly before: Record<string, unknown> | null;
  readonly after: Record<string, unknown> | null;
}

let api: TestApi;
let admin: TestUser;
beforeAll(async () => {
  api = await startTestApi({ api: { trusted_proxies: ['127.0.0.1'], setup_token: 'the token' } });
  await api.accountsService.createFirstAdministrator({ username: 'root', email: 'root@example.com', password });
  const login = await api.wire('POST', '/api/auth/login', { body: { email: 'root@example.com', password } });
  admin = { id: '', token: login.field('token') };
});
afterAll(() => api.close());

const audited = async (query: string): Promise<Entry[]> => {
  const answer = await api.wire('GET', `/api/audit-log${query}`, { token: admin.token });
  return (answer.body as { items: Entry[] }).items;
};

test('tells who changed what, from what to what, from where and in which request', async () => {
  const body = { username: 'shop', email: 'shop@example.com', password: 'first password', daily_quota: 5 };
  const made = await api.wire('POST', '/api/users', { token: admin.token, body });
  const path = `/api/users/${made.field('id')}`;
  const changed = await api.wire('PATCH', path, {
    token: admin.token,
    body: { daily_quota: 7, password: 'second password', domains: [] },
    headers: { 'if-match': String(made.headers.etag), 'x-forwarded-for': '198.51.100.7' },
  });
  expect(changed.status).toBe(200);
  const [change, creation, ...none] = await audited(`?subject_id=${made.field('id')}`);
  expect(none).toEqual([]);
  expect(change).toMatchObject({
    action: 'user.change',
    subject: { kind: 'user', id: made.field('id') },
    actor: { kind: 'user', api_key_id: null },
    address: '198.51.100.7',
    request_id: changed.headers['x-request-id'],
    before: { daily_quota: 5, password: 'changed' },
    after: { daily_quota: 7, password: 'changed' },
  });
  expect(Object.keys(change?.after ?? {}).toSorted()).toEqual(['daily_quota', 'password']);
  expect(creation).toMatchObject({ action: 'user.create', before: null, after: { username: 'shop', daily_quota: 5 } });
  expect(JSON.stringify([change, creation])).not.toMatch(/first password|second password|argon2/);
});

test('a credential’s whole life, by key and by socket, is there', async () => {
  const anna = await api.user('anna');
  const key = await api.wire('POST', '/api/api-keys', {
    token: anna.token,
    body: { name: 'script', scopes: ['credentials:write'] },
  });
  const token = key.field('key');
  const made = await api.wire('POST', '/api/smtp-credentials', { token, body: { name: 'shop' } });
  const path = `/api/smtp-credentials/${made.field('id')}`;
  await api.wire('POST', `${path}/reset-password`, { token });
  await api.wire('PATCH', path, { token, body: { enabled: false }, headers: { 'if-match': '*' } });
  const socket = wireTo({ socketPath: api.socket });
  await socket('DELETE', path);
  const life = (await audited(`?subject_id=${made.field('id')}`)).toReversed();
  expect(life).toMatchObject([
    { action: 'smtp-credential.create', before: null, after: { name: 'shop', owner_id: anna.id } },
    { action: 'smtp-credential.reset-password', before: { password: 'changed' }, after: { password: 'changed' } },
    { action: 'smtp-credential.change', before: { enabled: true }, after: { enabled: false } },
    { action: 'smtp-credential.delete', actor: { kind: 'control-socket' }, address: null, after: { deleted: true } },
  ]);
  expect(life[1]).toMatchObject({ actor: { kind: 'api-key', user_id: anna.id, api_key_id: key.field('id') } });
  expect(JSON.stringify(life)).not.toContain(made.field('password'));
});

test('what was refused is not there', async () => {
  const before = (await audited('')).length;
  const body = { username: 'shop', email: 'other@example.com', password };
  expect((await api.wire('POST', '/api/users', { token: admin.token, body })).status).toBe(409);
  expect((await audited('')).length).toBe(before);
});

test('is filtered, and read page by page', async () => {
  const from = new Date(api.clock.now() + 1_000).toISOString();
  api.clock.advance(1_000);
  const users = [];
  for (const name of ['one', 'two', 'three']) users.push(await api.user(name));
  const seen: string[] = [];
  let cursor = '';
  do {
    const answer = await api.wire('GET', `/api/audit-log?limit=2&action=user.create&from=${from}${cursor}`, {
      token: admin.token,
    });
    const { items, next } = answer.body as { items: Entry[]; next: string | null };
    seen.push(...items.map(({ subject }) => subject.id));
    cursor = next === null ? '' : `&cursor=${next}`;
  } while (cursor !== '');
  expect(seen).toEqual(users.map(({ id }) => id).toReversed());
  expect(await audited(`?until=${from}&subject_id=${users[0]?.id}`)).toEqual([]);
  expect(await audited('?action=user.create&subject_kind=smtp-credential')).toEqual([]);
  const actions = (await audited('?subject_kind=smtp-credential')).map(({ action }) => action);
  expect(actions.every((action) => action.startsWith('smtp-credential.'))).toBe(true);
  expect(actions.length).toBeGreaterThan(0);
});
