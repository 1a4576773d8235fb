import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClient } from '../client/client.ts';
import { changeUser, getUser } from '../routes/users.ts';
import { startTestApi, type TestApi, type TestUser } from '../testing/start-test-api.ts';

let api: TestApi;
let admin: TestUser;
let anna: TestUser;
let credential: string;
let changes = 0;

beforeAll(async () => {
  api = await startTestApi();
  admin = await api.administrator();
  anna = await api.user('anna');
  credential = (await api.accountsService.createCredential(anna.id, { name: 'shop' })).credential.id;
});
afterAll(() => api.close());

const read = (target: string, known?: string) =>
  api.wire('GET', target, { token: admin.token, headers: known === undefined ? {} : { 'if-none-match': known } });

const versioned: [string, () => string, object][] = [
  ['user', () => `/api/users/${anna.id}`, { daily_quota: 7 }],
  ['credential', () => `/api/smtp-credentials/${credential}`, { name: 'another' }],
  ['plugin', () => '/api/plugins/quota', { timeout: '7s' }],
];

describe.each(versioned)('a %s', (_, path, change) => {
  test('is sent once: who has its version is told so, until it changes', async () => {
    const first = await read(path());
    const etag = String(first.headers.etag);
    expect(etag).toMatch(/^"[\w.-]+"$/);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, ' * ']) {
      const again = await read(path(), known);
      expect([known, again.status, again.text, again.headers.etag]).toEqual([known, 304, '', etag]);
      expect(again.headers['content-type']).toBeUndefined();
    }
    for (const unknown of ['"other"', 'W/"other"', etag.slice(1, -1), '']) {
      expect((await read(path(), unknown)).text).toBe(first.text);
    }
    const authorization = `Bearer ${admin.token}`;
    const head = await fetch(api.url + path(), { method: 'HEAD', headers: { authorization, 'if-none-match': etag } });
    expect([head.status, head.headers.get('etag')]).toEqual([304, etag]);

    const headers = { 'if-match': etag };
    const changed = await api.wire('PATCH', path(), { token: admin.token, body: change, headers });
    expect(changed.status).toBe(200);
    const now = await read(path(), etag);
    expect([now.status, now.headers.etag]).toEqual([200, changed.headers.etag]);
    expect(now.headers.etag).not.toBe(etag);
  });
});

test('what nobody may read is not told to be current either', async () => {
  const bert = await api.user('bert');
  const answer = await api.wire('GET', `/api/users/${anna.id}`, {
    token: bert.token,
    headers: { 'if-none-match': '*' },
  });
  expect(answer.status).toBe(404);
  expect((await api.wire('GET', `/api/users/${anna.id}`, { headers: { 'if-none-match': '*' } })).status).toBe(401);
});

test('changes heed If-Match only', async () => {
  const target = `/api/users/${anna.id}`;
  const headers = { 'if-match': '*', 'if-none-match': '*' };
  const answer = await api.wire('PATCH', target, { token: admin.token, body: { daily_quota: 8 }, headers });
  expect([answer.status, answer.body]).toEqual([200, expect.objectContaining({ daily_quota: 8 })]);
});

describe.each([
  ['TCP', () => createClient({ url: api.url, token: admin.token })],
  ['the control socket', () => createClient({ socketPath: api.socket })],
])('the client over %s', (_, client) => {
  test('tells versions, and asks for what changed only', async () => {
    const where = { params: { id: anna.id } };
    const { etag, body } = await client().callVersioned(getUser, where);
    expect(body).toMatchObject({ username: 'anna' });
    if (etag === null) throw new Error('users have versions');
    expect(await client().callVersioned(getUser, where, { known: etag })).toEqual({ etag, body: 'not-modified' });
    changes += 1;
    const headers = { 'if-match': etag };
    const change = { ...where, headers, body: { hourly_quota: changes } };
    const changed = await client().callVersioned(changeUser, change);
    expect(changed.etag).not.toBe(etag);
    const later = await client().callVersioned(getUser, where, { known: etag });
    expect(later).toEqual(changed);
    await expect(client().call(changeUser, change)).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
  });
});
