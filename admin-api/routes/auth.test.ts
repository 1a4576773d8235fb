import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { password, startTestApi, type TestApi } from '../testing/start-test-api.ts';
import { wireTo } from '../testing/wire.ts';

const account = { username: 'testuser', email: 'test@example.com', password };

describe('the first administrator', () => {
  let api: TestApi;
  beforeEach(async () => {
    api = await startTestApi({ api: { trusted_proxies: ['192.0.2.1'], setup_token: 'the set-up token' } });
  });
  afterEach(() => api.close());

  test('registers from this machine and is the only one to do so', async () => {
    const first = await api.wire('POST', '/api/auth/register', { body: account });
    expect(first.status).toBe(201);
    expect(first.body).toMatchObject({ username: 'testuser', email: 'test@example.com', role: 'admin' });
    const second = await api.wire('POST', '/api/auth/register', {
      body: { username: 'other', email: 'other@example.com', password },
    });
    expect([second.status, second.field('code')]).toEqual([403, 'REGISTRATION_CLOSED']);
    expect(await api.store.accounts.userByUsername('other')).toBeNull();
  });

  test.each([
    ['X-Forwarded-For', '127.0.0.1'],
    ['X-Forwarded-Proto', 'https'],
    ['X-Forwarded-Host', 'localhost'],
    ['Forwarded', 'for=127.0.0.1'],
    ['X-Real-IP', '127.0.0.1'],
    ['Via', '1.1 proxy'],
    ['Host', 'evil.example'],
    ['Host', 'localhost.evil.example'],
    ['Host', '192.0.2.1'],
  ])('is refused with %s: %s', async (name, value) => {
    const answer = await api.wire('POST', '/api/auth/register', { body: account, headers: { [name]: value } });
    expect([answer.status, answer.field('code')]).toEqual([403, 'REGISTRATION_CLOSED']);
    expect(await api.store.accounts.setupDone()).toBe(false);
  });

  test('is refused an hour after the start, but not a second earlier', async () => {
    api.clock.advance(3_600_000);
    expect((await api.wire('POST', '/api/auth/register', { body: account })).status).toBe(403);
    api.clock.advance(-1_000);
    expect((await api.wire('POST', '/api/auth/register', { body: account })).status).toBe(201);
  });

  test('needs the set-up token where the network is not enough', async () => {
    const headers = { Via: '1.1 proxy' };
    const guess = { ...account, setup_token: 'the set-up tokem' };
    expect((await api.wire('POST', '/api/auth/register', { body: guess, headers })).status).toBe(403);
    const right = { ...account, setup_token: 'the set-up token' };
    const answer = await api.wire('POST', '/api/auth/register', { body: right, headers });
    expect(answer.body).toMatchObject({ role: 'admin' });
  });

  test('is one, though many register at the same moment', async () => {
    const names = ['anna', 'bert', 'cora', 'dirk'];
    const answers = await Promise.all(
      names.map((name) =>
        api.wire('POST', '/api/auth/register', { body: { username: name, email: `${name}@example.com`, password } }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 403, 403, 403]);
  });
});

test('a peer outside the set-up networks, or a trusted proxy itself, cannot become administrator', async () => {
  for (const settings of [{ setup_networks: ['192.0.2.0/24'] }, { trusted_proxies: ['127.0.0.1'] }]) {
    await using api = await startTestApi({ api: settings });
    const answer = await api.wire('POST', '/api/auth/register', { body: account });
    expect([answer.status, answer.field('code')]).toEqual([403, 'REGISTRATION_CLOSED']);
  }
});

test('open registration makes users, never administrators, and only after the set-up', async () => {
  await using api = await startTestApi({ api: { registration: 'open', setup_networks: ['192.0.2.0/24'] } });
  const early = await api.wire('POST', '/api/auth/register', { body: account });
  expect(early.status).toBe(403);
  await api.accountsService.createFirstAdministrator({ username: 'root', email: 'root@example.com', password });
  const user = await api.wire('POST', '/api/auth/register', { body: account });
  expect([user.status, user.field('role')]).toEqual([201, 'user']);
  const again = await api.wire('POST', '/api/auth/register', { body: { ...account, username: 'second' } });
  expect([again.status, again.field('code')]).toEqual([409, 'CONFLICT']);
});

describe('tokens', () => {
  let api: TestApi;
  beforeEach(async () => {
    api = await startTestApi();
    await api.administrator();
  });
  afterEach(() => api.close());

  test('tell who one is, until logout makes them worthless at once', async () => {
    const { token } = await api.user('anna');
    const other = await api.wire('POST', '/api/auth/login', { body: { email: 'ANNA@example.com', password } });
    expect((await api.wire('GET', '/api/auth/me', { token })).body).toMatchObject({ username: 'anna', role: 'user' });
    expect((await api.wire('POST', '/api/auth/logout', { token })).status).toBe(204);
    expect((await api.wire('GET', '/api/auth/me', { token })).status).toBe(401);
    expect((await api.wire('GET', '/api/auth/me', { token: other.field('token') })).status).toBe(200);
  });

  test('live for api.token_ttl', async () => {
    const login = await api.wire('POST', '/api/auth/login', { body: { email: 'root@example.com', password } });
    const token = login.field('token');
    const life = Date.parse(login.field('expires_at')) - api.clock.now();
    expect(life).toBeGreaterThan(24 * 3_600_000 - 1_000);
    api.clock.advance(life - 1);
    expect((await api.wire('GET', '/api/auth/me', { token })).status).toBe(200);
    api.clock.advance(1);
    expect((await api.wire('GET', '/api/auth/me', { token })).status).toBe(401);
  });

  test('end with the account', async () => {
    const { id, token } = await api.user('anna');
    await api.accountsService.changeUser(id, { enabled: false });
    expect((await api.wire('GET', '/api/auth/me', { token })).status).toBe(401);
    await api.accountsService.changeUser(id, { enabled: true, role: 'admin' });
    expect((await api.wire('GET', '/api/auth/me', { token })).status).toBe(401);
    const again = await api.wire('POST', '/api/auth/login', { body: { email: 'anna@example.com', password } });
    expect((await api.wire('GET', '/api/users', { token: again.field('token') })).status).toBe(200);
    await api.accountsService.deleteUser(id);
    expect((await api.wire('GET', '/api/auth/me', { token: again.field('token') })).status).toBe(401);
  });
});

describe('guessing at passwords', () => {
  test('unknown email and wrong password look the same and cost one check each', async () => {
    await using api = await startTestApi();
    await api.administrator();
    const before = api.passwordsChecked();
    const guesses = [
      { email: 'root@example.com', password: 'wrong' },
      { email: 'nobody@example.com', password: 'wrong' },
      { email: 'no address at all', password: 'wrong' },
    ];
    for (const [n, body] of guesses.entries()) {
      const answer = await api.wire('POST', '/api/auth/login', { body });
      expect(answer.body).toMatchObject({ code: 'LOGIN_FAILED', detail: 'email or password is wrong', problems: [] });
      expect(answer.status).toBe(401);
      expect(api.passwordsChecked() - before).toBe(n + 1);
    }
  });

  test('ten a minute for an account from an address; the right password does not count, and is not let through after them', async () => {
    await using api = await startTestApi();
    await api.administrator();
    const login = (text: string) =>
      api.wire('POST', '/api/auth/login', { body: { email: 'root@example.com', password: text } });
    for (let n = 0; n < 12; n += 1) expect((await login(password)).status).toBe(200);
    for (let n = 0; n < 10; n += 1) expect((await login('wrong')).status).toBe(401);
    const checked = api.passwordsChecked();
    const refused = await login(password);
    expect([refused.status, refused.field('code')]).toEqual([429, 'RATE_LIMITED']);
    expect(api.passwordsChecked()).toBe(checked);
    api.clock.advance(60_000);
    expect((await login(password)).status).toBe(200);
  });

  test('in parallel finds no gap', async () => {
    await using api = await startTestApi();
    await api.administrator();
    const checked = api.passwordsChecked();
    const guess = { body: { email: 'root@example.com', password: 'wrong' } };
    const answers = await Promise.all(Array.from({ length: 20 }, () => api.wire('POST', '/api/auth/login', guess)));
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(10);
    expect(api.passwordsChecked() - checked).toBe(10);
  });

  test('from many addresses locks strangers out, not the owner where she logged in before', async () => {
    await using api = await startTestApi({ api: { trusted_proxies: ['127.0.0.1'], setup_token: 'token' } });
    await api.accountsService.createFirstAdministrator({ username: 'root', email: 'root@example.com', password });
    const login = (from: string, text: string) =>
      api.wire('POST', '/api/auth/login', {
        body: { email: 'root@example.com', password: text },
        headers: { 'x-forwarded-for': from },
      });
    expect((await login('198.51.100.1', password)).status).toBe(200);
    for (let n = 0; n < 50; n += 1) expect((await login(`203.0.113.${n}`, 'wrong')).status).toBe(401);
    expect((await login('203.0.113.99', password)).status).toBe(429);
    expect((await login('198.51.100.1', password)).status).toBe(200);
  });
});

test('requests without a login are counted by address, with the state in headers; health and documentation are not', async () => {
  await using api = await startTestApi({ api: { rate_limit: { requests: 5, window: '1h' } } });
  await api.administrator();
  const answers = [];
  for (let n = 0; n < 5; n += 1) answers.push(await api.wire('GET', '/api/auth/me', { token: 'x.y.z' }));
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 429, 429]);
  expect(answers[0]?.headers).toMatchObject({
    'ratelimit-policy': '"unauthenticated";q=5;w=3600',
    ratelimit: expect.stringMatching(/^"unauthenticated";r=2;t=\d+$/),
  });
  expect(Number(answers[4]?.headers['retry-after'])).toBeGreaterThan(3_000);
  for (const target of ['/health', '/health/live', '/health/ready', '/openapi.json']) {
    expect((await api.wire('GET', target)).status).toBe(200);
  }
  const socket = wireTo({ socketPath: api.socket });
  expect((await socket('GET', '/api/users')).status).toBe(200);
  api.clock.advance(3_600_000);
  expect((await api.wire('GET', '/api/auth/me')).status).toBe(401);
});

test('requests with a login are not counted', async () => {
  await using api = await startTestApi({ api: { rate_limit: { requests: 5, window: '1h' } } });
  const { token } = await api.administrator();
  for (let n = 0; n < 10; n += 1) expect((await api.wire('GET', '/api/auth/me', { token })).status).toBe(200);
});
