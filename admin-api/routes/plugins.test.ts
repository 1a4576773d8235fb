import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTestApi, type TestApi, type TestUser } from '../testing/start-test-api.ts';
import type { WireCall } from '../testing/wire.ts';

let api: TestApi;
let admin: TestUser;
beforeEach(async () => {
  api = await startTestApi();
  admin = await api.administrator();
});
afterEach(() => api.close());

const as = (call: WireCall = {}): WireCall => ({ token: admin.token, ...call });
const change = (plugin: string, body: unknown, headers: Record<string, string> = {}, query = '') =>
  api.wire('PATCH', `/api/plugins/${plugin}${query}`, as({ body, headers }));
const plugin = async (id: string) =>
  (await api.wire('GET', `/api/plugins/${id}`, as())).body as Record<string, unknown>;

describe('what runs', () => {
  test('is listed in order, with versions, settings, schemas and where each value comes from', async () => {
    const list = await api.wire('GET', '/api/plugins', as());
    expect(list.headers.etag).toBe('"1"');
    expect(list.body).toMatchObject({
      version: 1,
      read_only: false,
      items: [
        { id: 'domain-whitelist', state: 'running' },
        {
          id: 'quota',
          version: '1.0.0',
          config: { time_zone: 'Europe/Berlin' },
          schema: { type: 'object', properties: { time_zone: {} } },
        },
        { id: 'delivery', config: { upstreams: [{ name: 'main', password: '[hidden]' }] } },
      ],
      order: expect.arrayContaining([
        { listener: 'relay', hook: 'rcptTo', plugins: ['quota'] },
        { listener: 'relay', hook: 'queue', plugins: ['delivery'] },
      ]),
    });
    expect((await plugin('quota')).origins).toContainEqual({
      path: 'config.time_zone',
      from: 'environment',
      variable: 'SLUICE_PLUGINS__QUOTA__TIME_ZONE',
      line: null,
    });
    expect((await plugin('delivery')).origins).toContainEqual({
      path: 'config.upstreams.main.host',
      from: 'file',
      variable: null,
      line: 7,
    });
    expect((await api.wire('GET', '/api/plugins/nothing', as())).status).toBe(404);
  });
});

describe('a change', () => {
  test('is in force at once, with origin, version, history and audit entry', async () => {
    const answer = await change('quota', { timeout: '3s', priority: 7 });
    expect(answer.body).toMatchObject({
      version: 2,
      state: 'current',
      dry_run: false,
      changes: [
        { path: 'plugins.quota.timeout', before: 10_000, after: 3_000 },
        { path: 'plugins.quota.priority', before: 0, after: 7 },
      ],
      running: [{ version: 2 }],
    });
    expect(answer.headers.etag).toBe('"2"');
    const now = await plugin('quota');
    expect(now).toMatchObject({ timeout: 3_000, priority: 7, config: { time_zone: 'Europe/Berlin' } });
    expect(now.origins).toContainEqual({ path: 'priority', from: 'api', variable: null, line: null });
    const history = await api.wire('GET', '/api/plugins/history', as());
    expect(history.body).toMatchObject({
      items: [
        { number: 2, state: 'current', cause: 'change', author_id: admin.id, patched: ['quota'] },
        { number: 1, state: 'superseded', cause: 'start', author_id: null, patched: [] },
      ],
    });
    const audit = await api.store.auditLog.list({ action: 'plugin.change' }, { limit: 5 });
    expect(audit.items).toMatchObject([
      {
        actor: { kind: 'user', userId: admin.id },
        subject: { kind: 'plugin', id: 'quota' },
        before: { 'plugins.quota.priority': 0 },
        after: { 'plugins.quota.priority': 7, settings_version: 2 },
      },
    ]);
  });

  test('is a merge patch on the one before, and null takes a setting away', async () => {
    await change('delivery', { config: { upstreams: { main: { port: 26, ehlo_name: 'a.example' } } } });
    await change('delivery', { config: { upstreams: { main: { ehlo_name: null }, second: { host: '192.0.2.2' } } } });
    expect((await plugin('delivery')).config).toEqual({
      upstreams: [
        { name: 'main', host: '192.0.2.1', username: 'me', password: '[hidden]', port: 26 },
        { name: 'second', host: '192.0.2.2' },
      ],
    });
  });

  test('turns a plugin off and on', async () => {
    await change('quota', { enabled: false });
    const off = await api.wire('GET', '/api/plugins', as());
    expect(off.body).toMatchObject({
      order: expect.not.arrayContaining([expect.objectContaining({ hook: 'rcptTo' })]),
    });
    expect(await plugin('quota')).toMatchObject({ state: 'off' });
    await change('quota', { enabled: true });
    expect(await plugin('quota')).toMatchObject({ state: 'running' });
  });

  test('that says nothing new makes no version', async () => {
    const first = await change('quota', { priority: 4 });
    const again = await change('quota', { priority: 4 });
    expect([first.headers.etag, again.headers.etag, again.body]).toEqual([
      '"2"',
      '"2"',
      expect.objectContaining({ changes: [] }),
    ]);
  });

  test.each([
    [{ config: { nonsense: 1 } }, 422, 'plugins.quota.config.nonsense'],
    [{ timeout: 'soon' }, 422, 'plugins.quota.timeout'],
    [{ before: ['nobody'] }, 422, 'plugins.quota.before'],
    [{ config: { time_zone: 'UTC' } }, 409, 'body.config.time_zone'],
    [{ config: null }, 422, 'body.config'],
    [{ use: 'delivery' }, 422, 'body.use'],
    [{ config: { $sealed: 'x' } }, 422, 'plugins.quota'],
  ])('%j changes nothing and names the field', async (body, status, path) => {
    const answer = await change('quota', body);
    expect([answer.status, answer.body]).toEqual([
      status,
      expect.objectContaining({ problems: [expect.objectContaining({ path })] }),
    ]);
    expect((await api.wire('GET', '/api/plugins', as())).headers.etag).toBe('"1"');
  });

  test('is refused for another version than the one in force', async () => {
    await change('quota', { priority: 1 }, { 'if-match': '"1"' });
    const late = await change('quota', { priority: 2 }, { 'if-match': '"1"' });
    expect([late.status, late.field('code')]).toEqual([412, 'PRECONDITION_FAILED']);
    expect((await change('quota', { priority: 2 }, { 'if-match': 'W/"x"' })).status).toBe(422);
    expect(await plugin('quota')).toMatchObject({ priority: 1 });
  });

  test('several at once are made one after the other, none is lost', async () => {
    const keys = ['a', 'b', 'c', 'd'];
    const bodies = keys.map((name, n) => ({ config: { upstreams: { [name]: { host: `192.0.2.${n}` } } } }));
    const answers = await Promise.all(bodies.map((body) => change('delivery', body)));
    expect(answers.map(({ body }) => (body as { version: number }).version).toSorted()).toEqual([2, 3, 4, 5]);
    const { config } = await plugin('delivery');
    expect((config as { upstreams: { name: string }[] }).upstreams.map(({ name }) => name)).toEqual(['main', ...keys]);
  });
});

test('a dry run tells what would change and whether it builds, and changes nothing', async () => {
  const answer = await change('quota', { priority: 4 }, {}, '?dry_run=true');
  expect(answer.body).toMatchObject({
    version: 1,
    dry_run: true,
    changes: [{ path: 'plugins.quota.priority', before: 0, after: 4 }],
  });
  expect((await change('quota', { config: { x: 1 } }, {}, '?dry_run=true')).status).toBe(422);
  expect(await plugin('quota')).toMatchObject({ priority: 0 });
  expect(await api.store.settings.latest()).toBe(1);
  expect((await api.store.auditLog.list({ subjectKind: 'plugin' }, { limit: 5 })).items).toEqual([]);
});

test('secrets are stored sealed, never shown, and stay what they are when they come back as they were shown', async () => {
  const upstreams = { main: { password: 'hunter2-of-the-api' } };
  const answer = await change('delivery', { config: { upstreams } });
  expect(answer.body).toMatchObject({
    changes: [{ path: 'plugins.delivery.config.upstreams.main.password', before: '[hidden]', after: 'changed' }],
  });
  const { config } = await plugin('delivery');
  await change('delivery', { config });
  const stored = await api.store.settings.current();
  expect(JSON.stringify(stored)).toContain('$sealed');
  expect(JSON.stringify(stored)).not.toContain('hunter2');
  const shown = await Promise.all(
    ['/api/plugins', '/api/plugins/delivery', '/api/plugins/history'].map((path) => api.wire('GET', path, as())),
  );
  expect(shown.map(({ text }) => text).join()).not.toContain('hunter2');
  expect(JSON.stringify(api.logged)).not.toContain('hunter2');
  const audit = await api.store.auditLog.list({ subjectKind: 'plugin' }, { limit: 5 });
  expect(JSON.stringify(audit)).not.toContain('hunter2');
});

test('order, reset and roll-back', async () => {
  const order = ['quota', 'delivery', 'domain-whitelist'];
  const ids = async () => {
    const { items } = (await api.wire('GET', '/api/plugins', as())).body as { items: { id: string }[] };
    return items.map(({ id }) => id);
  };
  expect((await api.wire('PUT', '/api/plugins/order', as({ body: { order: ['quota'] } }))).status).toBe(422);
  await api.wire('PUT', '/api/plugins/order', as({ body: { order } }));
  expect(await ids()).toEqual(order);
  await change('quota', { priority: 9 });
  await api.wire('POST', '/api/plugins/quota/reset', as());
  expect(await plugin('quota')).toMatchObject({ priority: 0 });
  expect((await api.wire('POST', '/api/plugins/quota/reset', as())).status).toBe(404);
  // Version 1: nothing set, 2: order, 3: order and priority, 4: order.
  await api.wire('POST', '/api/plugins/history/3/roll-back', as());
  expect(await plugin('quota')).toMatchObject({ priority: 9 });
  await api.wire('POST', '/api/plugins/history/1/roll-back', as());
  expect(await ids()).toEqual(['domain-whitelist', 'quota', 'delivery']);
  expect((await api.wire('POST', '/api/plugins/history/99/roll-back', as())).status).toBe(404);
});

test('when the file changes under what the API set, that stays and is told', async () => {
  await change('delivery', { config: { upstreams: { main: { host: '192.0.2.9' } } } });
  expect(await plugin('delivery')).toMatchObject({ drift: [] });
  const file = join(api.folder, 'sluice.yaml');
  writeFileSync(file, (await readFile(file, 'utf8')).replace('192.0.2.1,', '192.0.2.77, port: 2500,'));
  await api.reloadPlugins();
  expect(await plugin('delivery')).toMatchObject({
    config: { upstreams: [{ host: '192.0.2.9', port: 2500 }] },
    drift: ['config.upstreams.main.host'],
  });
});

test('what was set of a plugin that the file names no more is kept, told, and dropped by a reset', async () => {
  await change('quota', { priority: 5 });
  const file = join(api.folder, 'sluice.yaml');
  const text = await readFile(file, 'utf8');
  const dormant = async () => ((await api.wire('GET', '/api/plugins', as())).body as { dormant: string[] }).dormant;
  writeFileSync(file, text.replace('  - use: quota\n', ''));
  await api.reloadPlugins();
  expect(await dormant()).toEqual(['quota']);
  writeFileSync(file, text);
  await api.reloadPlugins();
  expect(await dormant()).toEqual([]);
  expect(await plugin('quota')).toMatchObject({ priority: 5 });
  writeFileSync(file, text.replace('  - use: quota\n', ''));
  await api.reloadPlugins();
  expect((await api.wire('POST', '/api/plugins/quota/reset', as())).status).toBe(200);
  expect(await dormant()).toEqual([]);
});

test('a file that cannot be used leaves everything as it is', async () => {
  await change('quota', { priority: 5 });
  writeFileSync(join(api.folder, 'sluice.yaml'), 'plugins: [{ use: nothing }]');
  await expect(api.reloadPlugins()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  expect(await plugin('quota')).toMatchObject({ priority: 5 });
});

test('`api.plugins: read-only` forbids every change', async () => {
  await using closed = await startTestApi({ api: { plugins: 'read-only' } });
  const { token } = await closed.administrator();
  const calls: [string, string, unknown][] = [
    ['PATCH', '/api/plugins/quota', { priority: 1 }],
    ['PUT', '/api/plugins/order', { order: null }],
    ['POST', '/api/plugins/quota/reset', undefined],
    ['POST', '/api/plugins/history/1/roll-back', undefined],
  ];
  for (const [method, path, body] of calls) {
    const answer = await closed.wire(method, path, { token, ...(body === undefined ? {} : { body }) });
    expect([answer.status, answer.field('code')]).toEqual([403, 'FORBIDDEN']);
  }
  expect((await closed.wire('GET', '/api/plugins', { token })).body).toMatchObject({ read_only: true, version: 1 });
});
