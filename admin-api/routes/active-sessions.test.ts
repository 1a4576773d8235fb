import { afterEach, beforeEach, expect, test } from 'vitest';
import { waitFor } from '../../tests/support/wait-for.ts';
import { password, startTestApi, type TestApi, type TestUser } from '../testing/start-test-api.ts';
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

interface Shown {
  readonly id: string;
  readonly created_at: string;
  readonly last_used_at: string;
  readonly user_agent: string | null;
  readonly current: boolean;
}
const login = (headers: Record<string, string> = {}, text = password) =>
  api.wire('POST', '/api/auth/login', { body: { email: 'anna@example.com', password: text }, headers });
const sessions = async (token: string, query = '') => {
  const { body } = await api.wire('GET', `/api/auth/sessions${query}`, { token });
  return body as { items: Shown[]; next: string | null };
};
const me = async (token: string) => (await api.wire('GET', '/api/auth/me', { token })).status;
const audited = async (action: string) => {
  const { body } = await api.wire('GET', `/api/audit-log?action=${action}`, { token: admin.token });
  return (body as { items: Record<string, unknown>[] }).items;
};

test('one’s logins are listed, the newest first, with where they came from and when they were used', async () => {
  api.clock.advance(120_000);
  const second = await login({ 'user-agent': `Mail\xfcProgram/1 ${'x'.repeat(500)}` });
  const { items } = await sessions(second.field('token'));
  expect(items).toMatchObject([
    { user_agent: expect.stringMatching(/^Mail Program\/1 x+$/), address: '127.0.0.1', current: true },
    { user_agent: null, address: '127.0.0.1', current: false },
  ]);
  expect(items[0]?.user_agent).toHaveLength(200);
  expect(items[1]?.last_used_at).toBe(items[1]?.created_at);
  api.clock.advance(120_000);
  const used = new Date(api.clock.now()).toISOString();
  await me(anna.token);
  // A use is written with the next commit; nobody waits for it.
  await waitFor('the use to be written', async () => {
    return (await sessions(second.field('token'))).items[1]?.last_used_at === used;
  });
  const page = await sessions(anna.token, '?limit=1');
  expect(page.items.map(({ id }) => id)).toEqual([items[0]?.id]);
  expect((await sessions(anna.token, `?limit=1&cursor=${page.next}`)).items.map(({ id }) => id)).toEqual([
    items[1]?.id,
  ]);
});

test('one that is ended, expired or logged out is listed no more, and its tokens are worthless', async () => {
  const [ended, out] = [await login(), await login()];
  const [newest, newer] = (await sessions(anna.token)).items;
  expect((await api.wire('DELETE', `/api/auth/sessions/${newer?.id}`, { token: anna.token })).status).toBe(204);
  expect((await api.wire('DELETE', `/api/auth/sessions/${newer?.id}`, { token: anna.token })).status).toBe(204);
  expect(await me(ended.field('token'))).toBe(401);
  expect((await sessions(anna.token)).items.map(({ id }) => id)).toContain(newest?.id);
  await api.wire('POST', '/api/auth/logout', { token: out.field('token') });
  expect((await sessions(anna.token)).items).toMatchObject([{ current: true }]);
  const entries = await audited('user.logout');
  expect(entries).toMatchObject([
    { actor: { user_id: anna.id }, subject: { kind: 'user', id: anna.id }, after: { session_id: newest?.id } },
    { actor: { user_id: anna.id }, after: { session_id: newer?.id } },
  ]);
  api.clock.advance(31 * 86_400_000);
  const later = await login();
  expect((await sessions(later.field('token'))).items).toHaveLength(1);
});

test('nobody sees or ends another’s; administrators do', async () => {
  const bert = await api.user('bert');
  const [annas] = (await sessions(anna.token)).items;
  const refused = await api.wire('DELETE', `/api/auth/sessions/${annas?.id}`, { token: bert.token });
  expect([refused.status, refused.field('code')]).toEqual([404, 'NOT_FOUND']);
  expect((await sessions(bert.token)).items.map(({ id }) => id)).not.toContain(annas?.id);
  expect((await sessions(bert.token)).items).toHaveLength(1);
  expect(await me(anna.token)).toBe(200);

  await login();
  const path = `/api/users/${anna.id}/sessions`;
  const listed = await api.wire('GET', path, { token: admin.token });
  expect(listed.body).toMatchObject({ items: [{ current: false }, { id: annas?.id, current: false }], next: null });
  expect((await api.wire('DELETE', path, { token: admin.token })).body).toEqual({ sessions: 2 });
  expect(await me(anna.token)).toBe(401);
  expect(await me(bert.token)).toBe(200);
  expect(await audited('user.logout-all')).toMatchObject([{ actor: { user_id: admin.id }, subject: { id: anna.id } }]);
  const nobody = '/api/users/01a20491-46c7-7615-91d5-7dd89800e6c4/sessions';
  for (const method of ['GET', 'DELETE']) {
    expect((await api.wire(method, nobody, { token: admin.token })).status).toBe(404);
  }
});

test('on the control socket nobody is logged in, and anybody’s logins can be ended', async () => {
  const socket = wireTo({ socketPath: api.socket });
  expect((await socket('GET', '/api/auth/sessions')).status).toBe(404);
  expect((await socket('DELETE', `/api/users/${anna.id}/sessions`)).body).toEqual({ sessions: 1 });
  expect(await me(anna.token)).toBe(401);
});

test('logins and failed ones are audited, with address and client, never with what was typed', async () => {
  await login({ 'user-agent': 'curl/8.5.0' });
  await login({}, 'a wrong password 1');
  await api.wire('POST', '/api/auth/login', { body: { email: 'my-secret-password', password: 'x' } });
  const body = { current_password: 'a wrong password 2', new_password: 'correct horse battery' };
  await api.wire('POST', '/api/auth/change-password', { token: anna.token, body });
  const [last] = await audited('user.login');
  expect(last).toMatchObject({
    actor: { kind: 'user', user_id: anna.id },
    address: '127.0.0.1',
    subject: { kind: 'user', id: anna.id },
    after: { user_agent: 'curl/8.5.0', session_id: expect.any(String) },
  });
  const failed = await audited('user.login-failed');
  expect(failed).toMatchObject([
    { actor: { kind: 'user', user_id: anna.id }, subject: { id: anna.id } },
    { actor: { kind: 'anonymous' }, subject: { id: 'unknown' }, address: '127.0.0.1' },
    { actor: { kind: 'anonymous' }, subject: { id: anna.id } },
  ]);
  expect(JSON.stringify(failed)).not.toMatch(/secret|wrong password/);
});

test('failed logins fill the audit log at 60 a minute at most, and the next entry tells how many were left out', async () => {
  api.clock.advance(60_000 - (api.clock.now() % 60_000));
  const guess = (n: number) =>
    api.wire('POST', '/api/auth/login', { body: { email: `nobody-${n}@example.com`, password: 'x' } });
  for (let n = 0; n < 63; n += 1) expect((await guess(n)).status).toBe(401);
  const count = async () =>
    (await api.store.auditLog.list({ action: 'user.login-failed' }, { limit: 200 })).items.length;
  expect(await count()).toBe(60);
  api.clock.advance(60_000);
  await guess(64);
  await guess(65);
  const { items } = await api.store.auditLog.list({ action: 'user.login-failed' }, { limit: 2 });
  expect(items.map(({ after }) => after?.omitted_before)).toEqual([undefined, 3]);
  expect(await count()).toBe(62);
});
