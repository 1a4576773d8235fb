import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { password, startTestApi, type TestApi, type TestUser } from '../testing/start-test-api.ts';
import { wireTo } from '../testing/wire.ts';

let api: TestApi;
let anna: TestUser;
beforeEach(async () => {
  api = await startTestApi();
  await api.administrator();
  anna = await api.user('anna');
});
afterEach(() => api.close());

const login = (text = password) =>
  api.wire('POST', '/api/auth/login', { body: { email: 'anna@example.com', password: text } });
const refresh = (refreshToken: string) =>
  api.wire('POST', '/api/auth/refresh', { body: { refresh_token: refreshToken } });
const me = async (token: string) => (await api.wire('GET', '/api/auth/me', { token })).status;

test('a refresh token is exchanged for the next pair, and outlives the access token', async () => {
  const first = await login();
  api.clock.advance(25 * 3_600_000);
  expect(await me(first.field('token'))).toBe(401);
  const second = await refresh(first.field('refresh_token'));
  expect(second.status).toBe(200);
  expect(second.body).toMatchObject({ token_type: 'Bearer', user: { username: 'anna' } });
  expect(await me(second.field('token'))).toBe(200);
  expect(second.field('refresh_token')).not.toBe(first.field('refresh_token'));
  api.clock.advance(29 * 86_400_000);
  const third = await refresh(second.field('refresh_token'));
  expect(await me(third.field('token'))).toBe(200);
  api.clock.advance(31 * 86_400_000);
  expect((await refresh(third.field('refresh_token'))).status).toBe(401);
});

test('a refresh token shown twice ends the login, all of its tokens with it, and is told in the log', async () => {
  const first = await login();
  const other = await login();
  const second = await refresh(first.field('refresh_token'));
  const again = await refresh(first.field('refresh_token'));
  expect([again.status, again.field('code')]).toEqual([401, 'UNAUTHENTICATED']);
  expect(await me(first.field('token'))).toBe(401);
  expect(await me(second.field('token'))).toBe(401);
  expect((await refresh(second.field('refresh_token'))).status).toBe(401);
  expect(await me(other.field('token'))).toBe(200);
  expect(api.logged.some(({ msg, user }) => String(msg).includes('shown twice') && user === anna.id)).toBe(true);
});

test('refresh tokens made up, of a login that ended or of a user switched off are refused alike', async () => {
  const [ended, off] = [await login(), await login()];
  await api.wire('POST', '/api/auth/logout', { token: ended.field('token') });
  const details = [await refresh('refresh_made_up'), await refresh(ended.field('refresh_token'))];
  await api.accountsService.changeUser(anna.id, { enabled: false });
  await api.accountsService.changeUser(anna.id, { enabled: true });
  details.push(await refresh(off.field('refresh_token')));
  expect(new Set(details.map((answer) => `${answer.status} ${answer.field('detail')}`)).size).toBe(1);
  expect(details[0]?.status).toBe(401);
});

test('no token stands in the database or the log', async () => {
  const { body } = await login();
  const { token, refresh_token } = body as Record<string, string>;
  // Closed, the database has everything in its file.
  await api.closeStore();
  const database = await readFile(join(api.folder, 'sluice.db'), 'latin1');
  expect(database).toContain(anna.id);
  const stored = JSON.stringify(api.logged) + database;
  for (const secret of [token, refresh_token]) expect(stored).not.toContain(String(secret));
});

test('logout of everything ends every login of this user, and nobody else’s', async () => {
  const bert = await api.user('bert');
  const others = [await login(), await login()];
  const answer = await api.wire('POST', '/api/auth/logout-all', { token: anna.token });
  expect(answer.body).toEqual({ sessions: 3 });
  for (const token of [anna.token, ...others.map((one) => one.field('token'))]) expect(await me(token)).toBe(401);
  expect(await me(bert.token)).toBe(200);
  const { items } = await api.store.auditLog.list({ subjectId: anna.id, action: 'user.logout-all' }, { limit: 5 });
  expect(items).toMatchObject([{ actor: { kind: 'user', userId: anna.id } }]);
});

test('a new password ends the other logins, this one goes on', async () => {
  const other = await login();
  const body = { current_password: password, new_password: 'correct horse battery' };
  expect((await api.wire('POST', '/api/auth/change-password', { token: anna.token, body })).status).toBe(204);
  expect(await me(anna.token)).toBe(200);
  expect(await me(other.field('token'))).toBe(401);
  expect((await refresh(other.field('refresh_token'))).status).toBe(401);
  expect((await login()).status).toBe(401);
  expect((await login('correct horse battery')).status).toBe(200);
  const { items } = await api.store.auditLog.list({ action: 'user.change-password' }, { limit: 5 });
  expect(items).toMatchObject([{ before: { password: 'changed' }, after: { password: 'changed' } }]);
});

test('a stolen token does not find out the password', async () => {
  const guess = (text: string) =>
    api.wire('POST', '/api/auth/change-password', {
      token: anna.token,
      body: { current_password: text, new_password: 'correct horse battery' },
    });
  const first = await guess('wrong guess');
  expect([first.status, first.field('code')]).toEqual([403, 'FORBIDDEN']);
  for (let n = 0; n < 9; n += 1) expect((await guess('wrong guess')).status).toBe(403);
  expect((await guess(password)).status).toBe(429);
  expect((await login()).status).toBe(429);
});

test('a password set by an administrator ends all logins of the user', async () => {
  await api.accountsService.changeUser(anna.id, { password: 'correct horse battery' });
  expect(await me(anna.token)).toBe(401);
});

test('on the control socket nobody is logged in', async () => {
  const socket = wireTo({ socketPath: api.socket });
  expect((await socket('POST', '/api/auth/logout-all')).status).toBe(404);
  const body = { current_password: password, new_password: 'correct horse battery' };
  expect((await socket('POST', '/api/auth/change-password', { body })).status).toBe(404);
});
