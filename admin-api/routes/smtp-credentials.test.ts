import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApi, type TestApi, type TestUser } from '../testing/start-test-api.ts';
import { wireTo } from '../testing/wire.ts';

let api: TestApi;
let anna: TestUser;
beforeAll(async () => {
  api = await startTestApi();
  await api.administrator();
  anna = await api.user('anna');
});
afterAll(() => api.close());

const create = (body: unknown) => api.wire('POST', '/api/smtp-credentials', { token: anna.token, body });

test('a new credential has a machine-made name and a password that is shown this once', async () => {
  const made = await create({ name: 'My first credential', daily_quota: 1000, hourly_quota: 100 });
  expect(made.status).toBe(201);
  expect(made.field('username')).toMatch(/^relay_\d{8}_[a-z]{4}$/);
  expect(made.body).toMatchObject({
    name: 'My first credential',
    owner_id: anna.id,
    daily_quota: 1000,
    hourly_quota: 100,
    over_limit: 'defer',
    enabled: true,
    last_used_at: null,
  });
  const path = `/api/smtp-credentials/${made.field('id')}`;
  const read = await api.wire('GET', path, { token: anna.token });
  expect(read.text).not.toContain(made.field('password'));
  expect(read.body).not.toHaveProperty('password');
  expect(JSON.stringify(api.logged)).not.toContain(made.field('password'));
});

test('quotas left out are the configured ones, null is no limit, zero is nothing', async () => {
  expect((await create({ name: 'defaults' })).body).toMatchObject({ daily_quota: 1000, hourly_quota: 100 });
  expect((await create({ name: 'none', daily_quota: null, hourly_quota: 0 })).body).toMatchObject({
    daily_quota: null,
    hourly_quota: 0,
  });
});

test('domains and networks are kept in their only spelling', async () => {
  const made = await create({
    name: 'bound',
    domains: ['Example.COM.', 'bücher.example'],
    networks: ['192.0.2.77/24', '::ffff:198.51.100.1', '2001:DB8::1/32'],
  });
  expect(made.body).toMatchObject({
    domains: ['example.com', 'xn--bcher-kva.example'],
    networks: ['192.0.2.0/24', '198.51.100.1/32', '2001:db8::/32'],
  });
});

test('a change touches what it names, and nothing else', async () => {
  const made = await create({ name: 'before', daily_quota: 5 });
  const path = `/api/smtp-credentials/${made.field('id')}`;
  api.clock.advance(1_000);
  const changed = await api.wire('PATCH', path, {
    token: anna.token,
    body: { name: 'after', enabled: false },
    headers: { 'if-match': String(made.headers.etag) },
  });
  expect(changed.body).toMatchObject({
    name: 'after',
    enabled: false,
    daily_quota: 5,
    username: made.field('username'),
  });
  expect(changed.field('updated_at') > made.field('updated_at')).toBe(true);
  expect((await api.wire('GET', path, { token: anna.token })).body).toEqual(changed.body);
});

test('a reset makes another password', async () => {
  const made = await create({ name: 'reset me' });
  const path = `/api/smtp-credentials/${made.field('id')}/reset-password`;
  const reset = await api.wire('POST', path, { token: anna.token });
  expect(reset.status).toBe(200);
  expect(reset.field('username')).toBe(made.field('username'));
  expect(reset.field('password')).not.toBe(made.field('password'));
});

test('what was deleted is gone, its name stays taken', async () => {
  const made = await create({ name: 'delete me' });
  const path = `/api/smtp-credentials/${made.field('id')}`;
  expect((await api.wire('DELETE', path, { token: anna.token })).status).toBe(204);
  for (const method of ['GET', 'PATCH', 'DELETE']) {
    const body = method === 'PATCH' ? { body: { name: 'back' } } : {};
    expect((await api.wire(method, path, { token: anna.token, ...body })).status).toBe(404);
  }
  const list = await api.wire('GET', '/api/smtp-credentials?limit=200', { token: anna.token });
  expect(list.text).not.toContain(made.field('id'));
  expect(await api.store.accounts.credentialByUsername(made.field('username'))).toMatchObject({ enabled: false });
});

test('pages follow one another without a gap or a double, deleted ones left out', async () => {
  const bert = await api.user('bert');
  const ids: string[] = [];
  for (let n = 0; n < 7; n += 1) {
    const { credential } = await api.accountsService.createCredential(bert.id, { name: `number ${n}` });
    if (n % 3 === 1) await api.accountsService.deleteCredential(credential.id);
    else ids.push(credential.id);
  }
  const seen: string[] = [];
  let cursor = '';
  do {
    const page = await api.wire('GET', `/api/smtp-credentials?limit=2${cursor}`, { token: bert.token });
    const { items, next } = page.body as { items: { id: string }[]; next: string | null };
    expect(items.length).toBeLessThanOrEqual(2);
    seen.push(...items.map(({ id }) => id));
    cursor = next === null ? '' : `&cursor=${encodeURIComponent(next)}`;
  } while (cursor !== '');
  expect(seen.sort()).toEqual(ids.sort());
});

describe('mass assignment', () => {
  test.each([
    'id',
    'username',
    'password',
    'secret',
    'ownerId',
    'userId',
    'user_id',
    'tenantId',
    'role',
    'quota',
    'dailyQuota',
    'created_at',
    'deletedAt',
    'last_used_at',
  ])('of %s is refused', async (field) => {
    const made = await create({ name: 'mine', [field]: anna.id });
    expect(made.status).toBe(422);
    expect(made.body).toMatchObject({ code: 'REQUEST_INVALID', problems: [{ path: `body.${field}` }] });
    const { credential } = await api.accountsService.createCredential(anna.id, { name: 'target' });
    const path = `/api/smtp-credentials/${credential.id}`;
    const changed = await api.wire('PATCH', path, { token: anna.token, body: { [field]: anna.id } });
    expect(changed.status).toBe(422);
    expect(await api.store.accounts.credential(credential.id)).toEqual(credential);
  });

  test('of owner_id in a change is refused', async () => {
    const { credential } = await api.accountsService.createCredential(anna.id, { name: 'target' });
    const path = `/api/smtp-credentials/${credential.id}`;
    const changed = await api.wire('PATCH', path, { token: anna.token, body: { owner_id: anna.id } });
    expect(changed.status).toBe(422);
  });
});

test.each([
  [{ name: 'line\r\nBcc: victim@example.com' }, 'body.name'],
  [{ name: 'nul\0' }, 'body.name'],
  [{ name: '' }, 'body.name'],
  [{ name: 'n'.repeat(101) }, 'body.name'],
  [{ name: { $gt: '' } }, 'body.name'],
  [{ name: ['a'] }, 'body.name'],
  [{}, 'body.name'],
  [{ name: 'a', daily_quota: -1 }, 'body.daily_quota'],
  [{ name: 'a', daily_quota: 1.5 }, 'body.daily_quota'],
  [{ name: 'a', daily_quota: '1000' }, 'body.daily_quota'],
  [{ name: 'a', hourly_quota: { $gt: 0 } }, 'body.hourly_quota'],
  [{ name: 'a', over_limit: 'ignore' }, 'body.over_limit'],
  [{ name: 'a', domains: ['exa mple.com'] }, 'body.domains.0'],
  [{ name: 'a', domains: ['a.com', 'b.com\r\nX: y'] }, 'body.domains.1'],
  [{ name: 'a', domains: 'example.com' }, 'body.domains'],
  [{ name: 'a', networks: ['10.0.0.0/33'] }, 'body.networks.0'],
  [{ name: 'a', networks: ['010.0.0.1'] }, 'body.networks.0'],
  [{ name: 'a', enabled: 'yes' }, 'body.enabled'],
  [[], 'body'],
  ['text', 'body'],
  [null, 'body'],
])('%j is refused with the path %s', async (body, path) => {
  const answer = await create(body);
  expect(answer.status).toBe(422);
  expect(answer.body).toMatchObject({ code: 'REQUEST_INVALID', problems: [{ path }] });
});

test('on the control socket a credential needs an owner', async () => {
  const socket = wireTo({ socketPath: api.socket });
  const without = await socket('POST', '/api/smtp-credentials', { body: { name: 'whose?' } });
  expect(without.body).toMatchObject({ status: 422, problems: [{ path: 'body.owner_id' }] });
  const made = await socket('POST', '/api/smtp-credentials', { body: { name: 'hers', owner_id: anna.id } });
  expect([made.status, made.field('owner_id')]).toEqual([201, anna.id]);
});

test('a credential is changed by whoever read the newest version; a login does not make another one', async () => {
  const made = await create({ name: 'versions' });
  const path = `/api/smtp-credentials/${made.field('id')}`;
  const etag = String(made.headers.etag);
  const patch = (body: object, headers: Record<string, string> = {}) =>
    api.wire('PATCH', path, { token: anna.token, body, headers });
  expect((await patch({ name: 'x' })).status).toBe(428);
  api.store.accounts.touchCredential(made.field('id'), api.clock.now(), '192.0.2.1');
  const first = await patch({ name: 'first' }, { 'if-match': etag });
  expect(first.status).toBe(200);
  expect((await patch({ name: 'late' }, { 'if-match': etag })).status).toBe(412);
  const reset = await api.wire('POST', `${path}/reset-password`, { token: anna.token });
  expect((await patch({ name: 'late' }, { 'if-match': String(first.headers.etag) })).status).toBe(412);
  expect((await patch({ name: 'last' }, { 'if-match': String(reset.headers.etag) })).field('name')).toBe('last');
});

test('lists are filtered and sorted, by last use too', async () => {
  const cora = await api.user('cora');
  const make = async (name: string) => (await api.accountsService.createCredential(cora.id, { name })).credential.id;
  const [shop, backup] = [await make('Shop'), await make('backup'), await make('printer')];
  await api.accountsService.changeCredential(backup, { enabled: false });
  const at = api.clock.now();
  await api.store.accounts.updateCredential(shop, { lastUsedAt: at });
  const list = async (query: string) => {
    const answer = await api.wire('GET', `/api/smtp-credentials?${query}`, { token: cora.token });
    return (answer.body as { items: { name: string }[] }).items.map(({ name }) => name);
  };
  expect(await list('sort=name')).toEqual(['backup', 'printer', 'Shop']);
  expect(await list('sort=-last_used_at')).toEqual(['Shop', 'printer', 'backup']);
  expect(await list('enabled=false')).toEqual(['backup']);
  expect(await list('search=SHO')).toEqual(['Shop']);
  expect(await list(`unused_since=${new Date(at).toISOString()}`)).toEqual(['backup', 'printer']);
  expect(await list(`unused_since=${new Date(at + 1).toISOString()}`)).toEqual(['Shop', 'backup', 'printer']);
});
