import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTestApi, type TestApi, type TestUser } from '../testing/start-test-api.ts';

let api: TestApi;
let anna: TestUser;
beforeEach(async () => {
  api = await startTestApi();
  await api.administrator();
  anna = await api.user('anna');
});
afterEach(() => api.close());

const create = (key: string, body: object = { name: 'shop' }, token = anna.token) =>
  api.wire('POST', '/api/smtp-credentials', { token, body, headers: { 'idempotency-key': key } });
const credentials = async (token = anna.token) => {
  const { body } = await api.wire('GET', '/api/smtp-credentials', { token });
  return (body as { items: unknown[] }).items.length;
};

test('the same request gets the same answer, password included, and makes nothing twice', async () => {
  const first = await create('key-1');
  const again = await create('key-1', { name: ' shop ' });
  expect([again.status, again.text]).toEqual([201, first.text]);
  expect(again.headers['idempotent-replayed']).toBe('true');
  expect(first.headers['idempotent-replayed']).toBeUndefined();
  expect(again.headers.etag).toBe(first.headers.etag);
  expect(await credentials()).toBe(1);
});

test('another body under the same key is refused', async () => {
  await create('key-1');
  const other = await create('key-1', { name: 'another' });
  expect([other.status, other.field('code')]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  expect(await credentials()).toBe(1);
});

test('of many at the same moment one makes it, the others get its answer or are told to wait', async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => create('key-1')));
  for (const { status } of answers) expect([201, 409]).toContain(status);
  expect(new Set(answers.filter(({ status }) => status === 201).map(({ text }) => text)).size).toBe(1);
  expect(await credentials()).toBe(1);
});

test('a key is one’s own, and that of one route', async () => {
  const bert = await api.user('bert');
  const [hers, his] = [await create('key-1'), await create('key-1', { name: 'shop' }, bert.token)];
  expect(his.field('id')).not.toBe(hers.field('id'));
  expect(await credentials(bert.token)).toBe(1);
  const headers = { 'idempotency-key': 'key-1' };
  const body = { name: 'shop', scopes: ['admin'] };
  expect((await api.wire('POST', '/api/api-keys', { token: anna.token, body, headers })).status).toBe(201);
});

test('is forgotten after 24 hours', async () => {
  const first = await create('key-1');
  api.clock.advance(86_399_999);
  // The access token lives as long; a new login says the same person calls.
  const login = await api.wire('POST', '/api/auth/login', {
    body: { email: 'anna@example.com', password: 'password123' },
  });
  expect((await create('key-1', { name: 'shop' }, login.field('token'))).text).toBe(first.text);
  api.clock.advance(1);
  expect((await create('key-1', { name: 'other' }, login.field('token'))).status).toBe(201);
  expect(await credentials(login.field('token'))).toBe(2);
});

test('a request that failed left its key free', async () => {
  const body = { name: 'for another', owner_id: '01a20491-46c7-7615-91d5-7dd89800e6c4' };
  expect((await create('key-1', body)).status).toBe(403);
  expect((await create('key-1')).status).toBe(201);
});

test.each(['', 'a b', 'x'.repeat(201), 'ümlaut'])('the key %j is refused', async (key) => {
  const answer = await create(Buffer.from(key).toString('latin1'));
  expect([answer.status, answer.field('code')]).toEqual([422, 'REQUEST_INVALID']);
});

test('no password can be read from the database', async () => {
  const made = await create('key-1');
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(`${api.socket.replace('control.sock', 'sluice.db')}`, { readOnly: true });
  const rows = database.prepare('SELECT * FROM idempotency_keys').all();
  database.close();
  expect(rows).toHaveLength(1);
  const text = JSON.stringify(rows);
  for (const secret of [made.field('password'), made.field('username'), 'key-1']) expect(text).not.toContain(secret);
});
