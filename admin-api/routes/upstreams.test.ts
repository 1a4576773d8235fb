import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTestApi, type TestApi, type TestUser } from '../testing/start-test-api.ts';

let api: TestApi;
let admin: TestUser;
beforeEach(async () => {
  api = await startTestApi({
    upstreams: [{ name: 'main', state: 'down', target: '192.0.2.1:587', since: 1_000, lastError: '451 4.4.1 gone' }],
    upstreamConnections: { main: { inUse: 3, idle: 1 } },
  });
  admin = await api.administrator();
});
afterEach(() => api.close());

const call = (method: string, target: string, body?: unknown, headers: Record<string, string> = {}) =>
  api.wire(method, target, { token: admin.token, headers, ...(body === undefined ? {} : { body }) });
const upstream = async (name: string) =>
  (await call('GET', `/api/upstreams/${name}`)).body as Record<string, Record<string, unknown>>;
const names = async (query = '') => {
  const { items } = (await call('GET', `/api/upstreams${query}`)).body as { items: { name: string }[] };
  return items.map(({ name }) => name);
};
const create = (body: object, query = '') => call('POST', `/api/upstreams${query}`, body);
const fileWith = async (from: string, to: string) => {
  const file = join(api.folder, 'sluice.yaml');
  await writeFile(file, (await readFile(file, 'utf8')).replace(from, to));
  await api.reloadPlugins();
};

describe('an upstream', () => {
  test('is shown with settings, origins, state, connections and the mail that waits for it', async () => {
    const waiting = { upstream: 'main', state: 'deferred', attempts: 1 } as const;
    await api.message(admin.id, {}, [waiting, waiting]);
    await api.message(admin.id, {}, [{ ...waiting, upstream: 'other' }]);
    const answer = await call('GET', '/api/upstreams/main');
    expect(answer.headers.etag).toMatch(/^"1-[\w-]{22}"$/);
    expect(answer.body).toEqual({
      name: 'main',
      configured: true,
      type: 'smtp',
      target: '192.0.2.1:587',
      settings: { host: '192.0.2.1', username: 'me', password: '[hidden]' },
      origin: { path: '', from: 'file', variable: null, line: 7 },
      origins: expect.arrayContaining([{ path: 'host', from: 'file', variable: null, line: 7 }]),
      drift: [],
      state: 'down',
      since: '1970-01-01T00:00:01.000Z',
      last_error: '451 4.4.1 gone',
      connections: { in_use: 3, idle: 1 },
      waiting: { messages: 1, at_least: false },
    });
    expect((await call('GET', '/api/upstreams/other')).status).toBe(404);
    expect((await call('GET', '/api/upstreams/No')).status).toBe(400);
  });

  test('is listed in the order of fail-over, by filter, page by page', async () => {
    await create({ name: 'second', host: '192.0.2.2' });
    await create({ name: 'box', type: 'capture' });
    expect(await names()).toEqual(['main', 'second', 'box']);
    expect(await names('?type=capture')).toEqual(['box']);
    expect(await names('?state=down')).toEqual(['main']);
    expect(await names('?search=SECO')).toEqual(['second']);
    const first = (await call('GET', '/api/upstreams?limit=2')).body as { next: string };
    expect(first.next).toBe('second');
    expect((await call('GET', `/api/upstreams?limit=2&cursor=${first.next}`)).body).toMatchObject({
      items: [{ name: 'box' }],
      next: null,
    });
    expect((await call('GET', '/api/upstreams?cursor=gone')).status).toBe(422);
  });

  test('that stands in where none is configured is told, and has nothing to change', async () => {
    await call('DELETE', '/api/upstreams/main');
    expect(await upstream('default')).toMatchObject({ configured: false, type: 'capture', connections: null });
    expect((await call('PATCH', '/api/upstreams/default', { port: 25 })).status).toBe(404);
    expect((await call('DELETE', '/api/upstreams/default')).status).toBe(404);
  });
});

describe('creating', () => {
  test('puts it in force, as a version with audit entry, secrets sealed', async () => {
    const body = {
      name: 'second',
      host: 'smtp.example.com',
      username: 'u',
      password: 'planted',
      timeouts: { connect: '5s' },
    };
    const answer = await create(body);
    expect([answer.status, answer.body]).toMatchObject([201, { version: 2, dry_run: false }]);
    expect(await upstream('second')).toMatchObject({
      settings: { host: 'smtp.example.com', password: '[hidden]', timeouts: { connect: '5s' } },
      origin: { from: 'api' },
      origins: expect.arrayContaining([{ path: 'timeouts.connect', from: 'api', variable: null, line: null }]),
    });
    const audit = await api.store.auditLog.list({ action: 'upstream.create' }, { limit: 5 });
    expect(audit.items).toMatchObject([
      {
        subject: { kind: 'upstream', id: 'second' },
        after: { 'plugins.delivery.config.upstreams.second.password': 'changed' },
      },
    ]);
    const everything = [answer.text, JSON.stringify(audit), JSON.stringify(await api.store.settings.current())];
    expect([...everything, JSON.stringify(api.logged)].join()).not.toContain('planted');
  });

  test('a name that is taken is 409, of several at once too', async () => {
    expect((await create({ name: 'main', host: 'a.example' })).status).toBe(409);
    const answers = await Promise.all(['a', 'b', 'c'].map((host) => create({ name: 'new', host: `${host}.example` })));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409]);
  });

  test.each([
    [{ name: 'two', host: 'a.example', password: 'x' }, 'body.username'],
    [{ name: 'two', type: 'smtp' }, 'body.host'],
    [{ name: 'two', host: 'a.example', idle: 'soon' }, 'body.idle'],
    [{ name: 'two', host: 'a.example', recipient_domains: ['no domain'] }, 'body.recipient_domains.0'],
    [{ name: 'two', host: 'a.example', port: 70_000 }, 'body.port'],
    [{ name: 'Two', host: 'a.example' }, 'body.name'],
    [{ name: 'two', host: 'a.example', nonsense: 1 }, 'body.nonsense'],
  ])('%j changes nothing and names the field', async (body, path) => {
    const answer = await create(body);
    expect([answer.status, answer.body]).toEqual([
      422,
      expect.objectContaining({ problems: [expect.objectContaining({ path })] }),
    ]);
    expect(await names()).toEqual(['main']);
  });

  test('a dry run changes nothing', async () => {
    const answer = await create({ name: 'two', host: 'a.example' }, '?dry_run=true');
    expect([answer.status, answer.body]).toMatchObject([
      200,
      { version: 1, dry_run: true, changes: expect.arrayContaining([expect.objectContaining({ after: 'a.example' })]) },
    ]);
    expect(await names()).toEqual(['main']);
  });
});

describe('changing', () => {
  test('is a merge patch; a secret that comes back as it was shown stays', async () => {
    await call('PATCH', '/api/upstreams/main', { port: 2525, ehlo_name: 'a.example', password: '[hidden]' });
    await call('PATCH', '/api/upstreams/main', { ehlo_name: null });
    expect((await upstream('main')).settings).toEqual({
      host: '192.0.2.1',
      username: 'me',
      password: '[hidden]',
      port: 2525,
    });
    const change = { port: 26 };
    expect((await call('PATCH', '/api/upstreams/main', change, { 'if-match': '"2"' })).status).toBe(412);
    const read = await call('GET', '/api/upstreams/main');
    const again = await call('GET', '/api/upstreams/main', undefined, { 'if-none-match': String(read.headers.etag) });
    expect(again.status).toBe(304);
    const ifMatch = { 'if-match': String(read.headers.etag) };
    expect((await call('PATCH', '/api/upstreams/main', change, ifMatch)).status).toBe(200);
    expect((await call('PATCH', '/api/upstreams/main', change, ifMatch)).status).toBe(412);
    expect((await call('PATCH', '/api/upstreams/other', change)).status).toBe(404);
  });

  test('the file that changes beneath is told as drift', async () => {
    await call('PATCH', '/api/upstreams/main', { host: '192.0.2.9' });
    await fileWith('192.0.2.1,', '192.0.2.77,');
    expect(await upstream('main')).toMatchObject({ settings: { host: '192.0.2.9' }, drift: ['host'] });
    const nothing = await call('PATCH', '/api/upstreams/main', {});
    expect(nothing.body).toMatchObject({ version: 2, changes: [] });
    expect(await upstream('main')).toMatchObject({ settings: { host: '192.0.2.9' }, drift: ['host'] });
  });
});

describe('deleting', () => {
  test('one that only the API knows forgets it', async () => {
    await create({ name: 'second', host: '192.0.2.2', timeouts: { connect: '5s' } });
    const answer = await call('DELETE', '/api/upstreams/second');
    expect([answer.status, answer.body]).toMatchObject([200, { version: 3 }]);
    expect(await names()).toEqual(['main']);
    expect((await api.store.settings.current())?.overlay.plugins).toEqual({});
    expect((await call('DELETE', '/api/upstreams/second')).status).toBe(404);
    await fileWith('upstreams:', 'upstreams:\n        - { name: second, host: 192.0.2.3 }');
    expect(await upstream('second')).toMatchObject({ settings: { host: '192.0.2.3' }, origin: { from: 'file' } });
  });

  test('one of the file hides it until a reset; one made in its place inherits nothing, its login least of all', async () => {
    await create({ name: 'second', host: '192.0.2.2' });
    await call('PATCH', '/api/upstreams/main', { port: 26 });
    await call('DELETE', '/api/upstreams/main');
    expect(await names()).toEqual(['second']);
    await create({ name: 'main', host: '198.51.100.1' });
    expect((await upstream('main')).settings).toEqual({ host: '198.51.100.1' });
    await call('DELETE', '/api/upstreams/main');
    await call('POST', '/api/plugins/delivery/reset');
    expect((await upstream('main')).settings).toMatchObject({ host: '192.0.2.1', username: 'me' });
    expect(await names()).toEqual(['main']);
  });
});

test('what was changed of an upstream that the file names no more becomes no capture box', async () => {
  await create({ name: 'second', host: '192.0.2.2' });
  await call('PATCH', '/api/upstreams/main', { connections: 3 });
  await fileWith('name: main,', 'name: primary,');
  expect(await names()).toEqual(['primary', 'second']);
  expect((await call('GET', '/api/plugins')).body).toMatchObject({ dormant: ['delivery.config.upstreams.main'] });
  await fileWith('name: primary,', 'name: main,');
  expect((await upstream('main')).settings).toMatchObject({ host: '192.0.2.1', connections: 3 });
});

test('what the environment sets answers 409 and says which variable', async () => {
  await using closed = await startTestApi({ env: { UPSTREAM_SMTP_HOST: 'smtp.example.com' } });
  const { token } = await closed.administrator();
  const refused = [
    await closed.wire('PATCH', '/api/upstreams/default', { token, body: { host: 'a.example' } }),
    await closed.wire('DELETE', '/api/upstreams/default', { token }),
  ];
  for (const answer of refused)
    expect([answer.status, answer.field('detail')]).toEqual([409, expect.stringContaining('UPSTREAM_SMTP_HOST')]);
  expect(refused[0]?.body).toMatchObject({ problems: [{ path: 'body.host' }] });
  expect((await closed.wire('PATCH', '/api/upstreams/default', { token, body: { port: 26 } })).status).toBe(200);
  const now = await closed.wire('GET', '/api/upstreams/default', { token });
  expect(now.body).toMatchObject({ settings: { host: 'smtp.example.com', port: 26 } });
});

test('`api.plugins: read-only` forbids every change', async () => {
  await using closed = await startTestApi({ api: { plugins: 'read-only' } });
  const { token } = await closed.administrator();
  const answers = [
    await closed.wire('POST', '/api/upstreams', { token, body: { name: 'two', host: 'a.example' } }),
    await closed.wire('PATCH', '/api/upstreams/main', { token, body: { port: 26 } }),
    await closed.wire('DELETE', '/api/upstreams/main', { token }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([403, 403, 403]);
  expect((await closed.wire('GET', '/api/upstreams/main', { token })).headers.etag).toMatch(/^"1-/);
});
