import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { opens, type Scope, scopeOf, scopes } from './auth/scopes.ts';
import type { Route } from './route.ts';
import { routeTable } from './route-table.ts';
import { type ExistingThings, exampleBody, existingThings } from './testing/existing-things.ts';
import { jwtSecret, startTestApi, type TestApi, type TestUser } from './testing/start-test-api.ts';

const protectedRoutes = routeTable.filter(({ security }) => security === 'user' || security === 'admin');
const withParameters = protectedRoutes.filter(({ path }) => path.includes('{'));
const key = new TextEncoder().encode(jwtSecret);

let api: TestApi;
let admin: TestUser;
let anna: TestUser;
let bert: TestUser;
let things: ExistingThings;

beforeAll(async () => {
  api = await startTestApi({ api: { rate_limit: { requests: 100_000, window: '1h' } } });
  admin = await api.administrator();
  anna = await api.user('anna');
  bert = await api.user('bert');
  things = await existingThings(api, anna, admin);
});
afterAll(() => api.close());

const call = (route: Route, token?: string, headers: Record<string, string> = {}) =>
  api.wire(route.method, things.target(route), {
    ...exampleBody(route),
    ...(token === undefined ? {} : { token }),
    headers,
  });

const unsigned = (header: object, claims: object, signature = '') =>
  `${[header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.${signature}`;

/** A token like those of the API, but for what a test changes. */
async function forged(change: {
  algorithm?: string;
  audience?: string;
  issuer?: string;
  session?: string;
  subject?: string;
  expiresIn?: number;
  key?: Uint8Array;
}): Promise<string> {
  const session = await api.store.apiAccess.session(sessionOf(anna.token));
  const now = Math.floor(api.clock.now() / 1000);
  return new SignJWT({ sid: change.session ?? session?.id })
    .setProtectedHeader({ alg: change.algorithm ?? 'HS256', typ: 'JWT' })
    .setIssuer(change.issuer ?? 'sluice')
    .setAudience(change.audience ?? 'sluice-api')
    .setSubject(change.subject ?? anna.id)
    .setIssuedAt(now)
    .setExpirationTime(now + (change.expiresIn ?? 3_600))
    .sign(change.key ?? key);
}

const claimsOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
const sessionOf = (token: string) => String(claimsOf(token).sid);

const tokens: Record<string, () => Promise<string | undefined>> = {
  'no token': async () => undefined,
  'no token at all in the header': async () => '',
  nonsense: async () => 'a.b.c',
  'alg none': async () => unsigned({ alg: 'none', typ: 'JWT' }, claimsOf(anna.token)),
  'alg none, signature kept': async () =>
    unsigned({ alg: 'none', typ: 'JWT' }, claimsOf(anna.token), anna.token.split('.')[2]),
  'alg HS512': async () => forged({ algorithm: 'HS512', key: new TextEncoder().encode(jwtSecret.padEnd(64, ' ')) }),
  'alg HS384 with our key': async () => forged({ algorithm: 'HS384' }),
  'kid that is a path': async () =>
    unsigned({ alg: 'HS256', typ: 'JWT', kid: '../../dev/null' }, claimsOf(anna.token), anna.token.split('.')[2]),
  'claims changed': async () =>
    unsigned({ alg: 'HS256', typ: 'JWT' }, { ...claimsOf(anna.token), sub: admin.id }, anna.token.split('.')[2]),
  'another key': async () => forged({ key: new TextEncoder().encode('x'.repeat(40)) }),
  'another audience': async () => forged({ audience: 'another-api' }),
  'another issuer': async () => forged({ issuer: 'somebody' }),
  expired: async () => forged({ expiresIn: -1 }),
  'a session that never was': async () => forged({ session: '01a20491-46c7-7615-91d5-7dd89800e6c4' }),
  'another user’s session': async () => forged({ session: sessionOf(bert.token) }),
  'another user’s name on one’s own session': async () => forged({ subject: admin.id }),
};

test('the forger can make a good token: what is refused below is refused for what was changed', async () => {
  const answer = await api.wire('GET', '/api/auth/me', { token: await forged({}) });
  expect(answer.body).toMatchObject({ username: 'anna' });
});

describe.each(protectedRoutes)('$method $path', (route) => {
  test.each(Object.keys(tokens))('refuses %s', async (kind) => {
    const answer = await call(route, await tokens[kind]?.());
    expect([answer.status, answer.field('code')]).toEqual([401, 'UNAUTHENTICATED']);
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
  });

  test('refuses other ways to show a token', async () => {
    expect((await call(route, undefined, { authorization: `Basic ${anna.token}` })).status).toBe(401);
    expect((await call(route, undefined, { cookie: `token=${anna.token}` })).status).toBe(401);
  });
});

describe.each(protectedRoutes)('$method $path', (route) => {
  const wanted = scopeOf(route);
  const useless = scopes.filter((scope) => wanted === 'session' || (wanted !== null && !opens([scope], wanted)));

  /** A key of the administrator's: what is refused is refused for its scopes. */
  const keyWith = async (granted: readonly Scope[]) => {
    const body = { name: 'matrix', scopes: granted };
    return (await api.wire('POST', '/api/api-keys', { token: admin.token, body })).field('key');
  };

  test('refuses an API key with every scope but the right one', async () => {
    expect(useless.length).toBeGreaterThan(0);
    const answer = await call(route, await keyWith(useless));
    expect([answer.status, answer.field('code')]).toEqual([403, 'FORBIDDEN']);
    expect(answer.field('detail')).toMatch(wanted === 'session' ? /no API key/ : `scope ${wanted}`);
  });

  test('refuses an API key that was revoked, expired, or made up', async () => {
    const body = { name: 'matrix', scopes: ['admin'], expires_at: new Date(api.clock.now() + 60_000).toISOString() };
    const expiring = await api.wire('POST', '/api/api-keys', { token: admin.token, body });
    const revoked = await api.wire('POST', '/api/api-keys', { token: admin.token, body });
    await api.wire('DELETE', `/api/api-keys/${revoked.field('id')}`, { token: admin.token });
    expect((await call(route, revoked.field('key'))).status).toBe(401);
    expect((await call(route, `sluice_${'a'.repeat(32)}`)).status).toBe(401);
    api.clock.advance(60_000);
    expect((await call(route, expiring.field('key'))).status).toBe(401);
    api.clock.advance(-60_000);
  });
});

describe.each(protectedRoutes.filter(({ security }) => security === 'admin'))('$method $path', (route) => {
  test('refuses users who are no administrators', async () => {
    const answer = await call(route, anna.token);
    expect([answer.status, answer.field('code')]).toEqual([403, 'FORBIDDEN']);
  });
});

describe.each(withParameters.filter(({ security }) => security === 'user'))('$method $path', (route) => {
  test('does not know what belongs to another user, nor what is not there, and says both alike', async () => {
    const others = await call(route, bert.token);
    expect([others.status, others.field('code')]).toEqual([404, 'NOT_FOUND']);
    const missing = await api.wire(route.method, things.target(route, 'missing'), {
      token: bert.token,
      ...exampleBody(route),
    });
    expect(missing.status).toBe(404);
    expect(missing.field('detail')).toBe(others.field('detail'));
  });
});

describe.each(withParameters.filter(({ method }) => method === 'GET'))('$method $path', (route) => {
  test('finds what is there for whoever may see it, so that the refusals above mean something', async () => {
    expect((await call(route, route.security === 'admin' ? admin.token : anna.token)).status).toBe(200);
  });
});

describe.each(withParameters)('$method $path', (route) => {
  test.each(['..%2f..%2fetc%2fpasswd', '%2e%2e', '%00', "' OR 1=1 --", '{"$gt":""}', '%zz', 'a'.repeat(3_000)])(
    'refuses the parameter %j',
    async (text) => {
      const parameter = text.includes('%') ? text : encodeURIComponent(text);
      const target = route.path.replace(/\{\w+\}/g, () => parameter);
      const answer = await api.wire(route.method, target, { token: admin.token, ...exampleBody(route) });
      // What walks upwards comes to another route, which may not take the method.
      expect([400, 404, 405]).toContain(answer.status);
    },
  );
});

const listed = protectedRoutes.filter(({ method, path, security }) => {
  return method === 'GET' && security === 'user' && !path.includes('{');
});
describe.each(listed)('$method $path', (route) => {
  test('shows a user nothing of another’s', async () => {
    const answer = await call(route, bert.token);
    expect([200, 422]).toContain(answer.status);
    for (const id of things.owned) expect(answer.text).not.toContain(id);
  });
});

test('after all this everything of the owner’s is as it was', async () => {
  const credential = await api.wire('GET', `/api/smtp-credentials/${things.credential}`, { token: anna.token });
  expect(credential.body).toMatchObject({ name: 'shop', enabled: true, domains: ['example.com', 'example.org'] });
  const message = await api.wire('GET', `/api/queue/${things.message}`, { token: anna.token });
  expect(message.body).toMatchObject({ status: 'queued', requested: null });
});

test('lists show a user only their own, whatever they ask for', async () => {
  const annas = {
    '/api/smtp-credentials': 1,
    '/api/mail-logs': 2,
    '/api/captured': 1,
    '/api/queue': 1,
    '/api/domains': 2,
    '/api/quotas?of=credential': 1,
  };
  for (const [path, count] of Object.entries(annas)) {
    const items = Array.from({ length: count }, () => ({}));
    expect((await api.wire('GET', path, { token: bert.token })).body).toMatchObject({ items: [], next: null });
    expect((await api.wire('GET', path, { token: anna.token })).body).toMatchObject({ items });
    expect((await api.wire('GET', path, { token: admin.token })).body).toMatchObject({ items });
  }
  for (const path of ['/api/smtp-credentials', '/api/mail-logs', '/api/mail-logs/stats']) {
    const asked = await api.wire('GET', `${path}?owner_id=${anna.id}`, { token: bert.token });
    expect([asked.status, asked.field('code')]).toEqual([403, 'FORBIDDEN']);
  }
  const filtered = await api.wire('GET', `/api/mail-logs?credential_id=${things.credential}`, { token: bert.token });
  expect(filtered.body).toMatchObject({ items: [] });
  const stats = await api.wire('GET', `/api/mail-logs/stats?credential_id=${things.credential}`, { token: bert.token });
  expect(stats.body).toMatchObject({ totals: { accepted: 0 } });
});

test('a user makes no credentials for others', async () => {
  const body = { name: 'mine', owner_id: anna.id };
  const refused = await api.wire('POST', '/api/smtp-credentials', { token: bert.token, body });
  expect([refused.status, refused.field('code')]).toEqual([403, 'FORBIDDEN']);
  const made = await api.wire('POST', '/api/smtp-credentials', { token: admin.token, body });
  expect([made.status, made.field('owner_id')]).toEqual([201, anna.id]);
});
