import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTestApi, type TestApi, type TestUser } from '../testing/start-test-api.ts';

let api: TestApi;
let admin: TestUser;
beforeEach(async () => {
  api = await startTestApi({ env: { SLUICE_SMTP__LIMITS__SIZE: '1MB' } });
  admin = await api.administrator();
});
afterEach(() => api.close());

interface Configuration {
  readonly settings: { path: string; value: string; from: string; variable: string | null; line: number | null }[];
  readonly waiting_for_restart: string[];
  readonly warnings: { path: string }[];
  readonly drift: unknown[];
  readonly dormant: string[];
}
const get = (path: string, who = admin) => api.wire('GET', `/api/system${path}`, { token: who.token });
const configuration = async () => (await get('/configuration')).body as Configuration;
const edit = async (change: (text: string) => string) => {
  const file = join(api.folder, 'sluice.yaml');
  await writeFile(file, change(await readFile(file, 'utf8')));
  await api.reloadPlugins();
};

test('tells version, mode and processes', async () => {
  expect((await get('')).body).toMatchObject({
    version: '0.0.0-test',
    node: process.version,
    mode: 'embedded',
    settings_version: 1,
    processes: [{ id: 'test', roles: ['api'], pid: process.pid, settings_version: 1, unfit: null }],
  });
});

test('tells every setting with where it comes from, and no secret', async () => {
  const body = { config: { upstreams: { main: { port: 2525, password: 'planted of the API' } } } };
  await api.wire('PATCH', '/api/plugins/delivery', { token: admin.token, body });
  const answer = await get('/configuration');
  expect(answer.text).not.toMatch(/planted|of the file/);
  const { settings } = answer.body as Configuration;
  const found = (path: string) => settings.find((one) => one.path === path);
  expect(found('smtp.limits.size')).toEqual({
    path: 'smtp.limits.size',
    value: '1048576',
    from: 'environment',
    variable: 'SLUICE_SMTP__LIMITS__SIZE',
    line: null,
  });
  expect(found('api.registration')).toMatchObject({ value: '"closed"', from: 'default' });
  const upstream = 'plugins.delivery.config.upstreams.main';
  expect(found(`${upstream}.host`)).toMatchObject({ value: '"192.0.2.1"', from: 'file', line: 7 });
  expect(found(`${upstream}.port`)).toMatchObject({ value: '2525', from: 'api' });
  expect(found(`${upstream}.password`)).toMatchObject({ value: '[hidden]', from: 'api' });
});

test('what changed in the file and waits for a restart is told, and not shown as in force', async () => {
  await edit((text) => `${text}api: { registration: open }\njwt_secret: short\n`);
  const now = await configuration();
  expect(now.waiting_for_restart.toSorted()).toEqual(['api.registration', 'jwt_secret']);
  expect(now.settings).toContainEqual(expect.objectContaining({ path: 'api.registration', value: '"closed"' }));
  expect(now.warnings).toContainEqual(expect.objectContaining({ path: 'jwt_secret' }));
});

test('drift and dormant patches are told', async () => {
  const patch = (plugin: string, body: object) =>
    api.wire('PATCH', `/api/plugins/${plugin}`, { token: admin.token, body });
  await patch('delivery', { config: { upstreams: { main: { host: '192.0.2.9' } } } });
  await patch('quota', { priority: 3 });
  expect(await configuration()).toMatchObject({ drift: [], dormant: [] });
  await edit((text) => text.replace('192.0.2.1,', '192.0.2.77,').replace('  - use: quota\n', ''));
  expect(await configuration()).toMatchObject({
    drift: [{ plugin: 'delivery', settings: ['config.upstreams.main.host'] }],
    dormant: ['quota'],
  });
});

test('administrators only', async () => {
  const anna = await api.user('anna');
  for (const path of ['', '/configuration', '/conservation']) expect((await get(path, anna)).status).toBe(403);
});
