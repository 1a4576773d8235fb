import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTestApi, type TestApi, type TestUser } from '../testing/start-test-api.ts';
import { wireTo } from '../testing/wire.ts';

let api: TestApi;
let admin: TestUser;
let anna: TestUser;
beforeEach(async () => {
  api = await startTestApi();
  admin = await api.administrator();
  anna = await api.user('anna');
});
afterEach(() => api.close());

const make = (owner: TestUser, body: object) =>
  api.wire('POST', '/api/api-keys', { token: owner.token, body: { name: 'script', ...body } });

test('a key is shown once, and kept as a hash', async () => {
  const made = await make(anna, { scopes: ['mail:read', 'mail:read', 'credentials:write'] });
  expect(made.status).toBe(201);
  const key = made.field('key');
  expect(key).toMatch(/^sluice_[A-Za-z0-9]{32}$/);
  expect(made.body).toMatchObject({ scopes: ['mail:read', 'credentials:write'], owner_id: anna.id, expires_at: null });
  expect(key.startsWith(made.field('hint'))).toBe(true);
  const read = await api.wire('GET', `/api/api-keys/${made.field('id')}`, { token: anna.token });
  const list = await api.wire('GET', '/api/api-keys', { token: anna.token });
  expect(list.body).toMatchObject({ items: [read.body], next: null });
  const stored = await api.store.apiAccess.apiKey(made.field('id'));
  const audited = await api.store.auditLog.list({}, { limit: 100 });
  expect(JSON.stringify([read.body, list.body, stored, audited, api.logged])).not.toContain(key);
});

test('a key does what its scopes say, for what is its owner’s', async () => {
  const key = (await make(anna, { scopes: ['credentials:write'] })).field('key');
  const body = { name: 'by script' };
  const created = await api.wire('POST', '/api/smtp-credentials', { token: key, body });
  expect([created.status, created.field('owner_id')]).toEqual([201, anna.id]);
  expect((await api.wire('GET', '/api/smtp-credentials', { token: key })).status).toBe(200);
  expect((await api.wire('GET', '/api/mail-logs', { token: key })).status).toBe(403);
});

test('an administrator’s key without the scope admin sees no more than a user’s', async () => {
  await api.accountsService.createCredential(anna.id, { name: 'hers' });
  const small = (await make(admin, { scopes: ['credentials:read'] })).field('key');
  const whole = (await make(admin, { scopes: ['admin'] })).field('key');
  expect((await api.wire('GET', '/api/smtp-credentials', { token: small })).body).toMatchObject({ items: [] });
  expect((await api.wire('GET', '/api/smtp-credentials', { token: whole })).body).toMatchObject({ items: [{}] });
  expect((await api.wire('GET', '/api/users', { token: small })).status).toBe(403);
  expect((await api.wire('GET', '/api/users', { token: whole })).status).toBe(200);
});

test('the scope admin gives a user’s key no administrator’s rights, nor outlives them', async () => {
  const key = (await make(anna, { scopes: ['admin'] })).field('key');
  expect((await api.wire('GET', '/api/users', { token: key })).status).toBe(403);
  await api.accountsService.changeUser(anna.id, { role: 'admin' });
  expect((await api.wire('GET', '/api/users', { token: key })).status).toBe(200);
  await api.accountsService.deleteUser(anna.id);
  expect((await api.wire('GET', '/api/users', { token: key })).status).toBe(401);
});

test('a key makes no keys, changes no password and ends no login', async () => {
  const key = (await make(admin, { scopes: ['admin'] })).field('key');
  const passwords = { current_password: 'password123', new_password: 'correct horse battery' };
  const attempts: [string, string, object?][] = [
    ['POST', '/api/api-keys', { name: 'more', scopes: ['admin'] }],
    ['GET', '/api/api-keys'],
    ['POST', '/api/auth/change-password', passwords],
    ['POST', '/api/auth/logout-all'],
    ['POST', '/api/auth/logout'],
  ];
  for (const [method, path, body] of attempts) {
    expect((await api.wire(method, path, { token: key, ...(body === undefined ? {} : { body }) })).status).toBe(403);
  }
});

test('a revoked key stops at once, an expired one when it said', async () => {
  const at = new Date(api.clock.now() + 3_600_000).toISOString();
  const expiring = await make(anna, { scopes: ['account:read'], expires_at: at });
  const revoked = await make(anna, { scopes: ['account:read'] });
  const me = async (key: string) => (await api.wire('GET', '/api/auth/me', { token: key })).status;
  expect([await me(expiring.field('key')), await me(revoked.field('key'))]).toEqual([200, 200]);
  const path = `/api/api-keys/${revoked.field('id')}`;
  expect((await api.wire('DELETE', path, { token: anna.token })).status).toBe(204);
  expect((await api.wire('DELETE', path, { token: anna.token })).status).toBe(204);
  expect(await me(revoked.field('key'))).toBe(401);
  api.clock.advance(3_599_999);
  expect(await me(expiring.field('key'))).toBe(200);
  api.clock.advance(1);
  expect(await me(expiring.field('key'))).toBe(401);
  const audited = await api.store.auditLog.list({ subjectId: revoked.field('id') }, { limit: 5 });
  expect(audited.items.map(({ action }) => action)).toEqual(['api-key.revoke', 'api-key.create']);
});

test('an administrator sees and revokes everybody’s keys', async () => {
  const made = await make(anna, { scopes: ['mail:read'] });
  const bert = await api.user('bert');
  const path = `/api/api-keys/${made.field('id')}`;
  expect((await api.wire('GET', '/api/api-keys', { token: bert.token })).body).toMatchObject({ items: [] });
  expect((await api.wire('GET', `/api/api-keys?owner_id=${anna.id}`, { token: bert.token })).status).toBe(403);
  const list = await api.wire('GET', `/api/api-keys?owner_id=${anna.id}`, { token: admin.token });
  expect(list.body).toMatchObject({ items: [{ id: made.field('id') }] });
  expect((await api.wire('DELETE', path, { token: admin.token })).status).toBe(204);
  expect((await api.wire('GET', path, { token: anna.token })).body).toMatchObject({
    revoked_at: expect.stringMatching(/Z$/),
  });
});

test('its last use is remembered', async () => {
  const made = await make(anna, { scopes: ['account:read'] });
  await api.wire('GET', '/api/auth/me', { token: made.field('key') });
  // Written with whatever is committed next.
  await api.accountsService.createCredential(anna.id, { name: 'any' });
  const read = await api.wire('GET', `/api/api-keys/${made.field('id')}`, { token: anna.token });
  expect(read.field('last_used_at')).toBe(new Date(api.clock.now()).toISOString());
});

test.each([
  [{ scopes: [] }, 'body.scopes'],
  [{ scopes: ['root'] }, 'body.scopes.0'],
  [{}, 'body.scopes'],
  [{ scopes: ['admin'], expires_at: '2001-01-01T00:00:00Z' }, 'body.expires_at'],
  [{ scopes: ['admin'], expires_at: 'tomorrow' }, 'body.expires_at'],
  [{ scopes: ['admin'], owner_id: '01a20491-46c7-7615-91d5-7dd89800e6c4' }, 'body.owner_id'],
])('%j is refused with the path %s', async (body, path) => {
  const answer = await make(anna, body);
  expect(answer.body).toMatchObject({ status: 422, problems: [{ path }] });
});

test('on the control socket nobody is there to own a key', async () => {
  const socket = wireTo({ socketPath: api.socket });
  expect((await socket('POST', '/api/api-keys', { body: { name: 'x', scopes: ['admin'] } })).status).toBe(404);
});
