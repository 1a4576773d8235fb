import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildOpenApiDocument } from './openapi.ts';
import type { Route } from './route.ts';
import { routeTable } from './route-table.ts';
import { type ExistingThings, exampleBody, existingThings } from './testing/existing-things.ts';
import { startTestApi, type TestApi, type TestUser } from './testing/start-test-api.ts';

/* What clients must not get by with, at every route of the table: fields nobody offers, and values that query languages act on. */

let api: TestApi;
let admin: TestUser;
let anna: TestUser;
let things: ExistingThings;
let before: readonly string[];

beforeAll(async () => {
  api = await startTestApi({ api: { rate_limit: { requests: 100_000, window: '1h' }, registration: 'open' } });
  admin = await api.administrator();
  anna = await api.user('anna');
  things = await existingThings(api, anna, admin);
  before = await everything();
});
afterAll(() => api.close());

/** All that there is of users, credentials, mail, blacklist, plugins and upstreams. */
const everything = () =>
  Promise.all(
    [
      '/api/users',
      '/api/smtp-credentials',
      '/api/domains',
      '/api/api-keys',
      '/api/webhooks',
      '/api/blacklist',
      '/api/mail-logs',
      '/api/queue',
      '/api/plugins',
      '/api/upstreams',
    ].map(async (path) => (await api.wire('GET', `${path}?limit=200`, { token: admin.token })).text),
  );
const ask = (route: Route, body: unknown, query = '') =>
  api.wire(route.method, `${things.target(route)}${query}`, {
    token: admin.token,
    headers: { 'if-match': '*' },
    ...(body === undefined ? {} : { body }),
  });

/** Fields that clients of other systems were made administrators by, or owners of what is another's. */
const unoffered = {
  role: 'admin',
  roles: ['admin'],
  is_admin: true,
  isAdmin: true,
  admin: true,
  permissions: ['*'],
  scopes: ['admin'],
  user_id: '01a20491-46c7-7615-91d5-7dd89800e6c4',
  ownerId: '01a20491-46c7-7615-91d5-7dd89800e6c4',
  owner_id: '01a20491-46c7-7615-91d5-7dd89800e6c4',
  tenantId: '1',
  tenant_id: '1',
  quota: 1_000_000,
  daily_quota: 1_000_000,
  id: '01a20491-46c7-7615-91d5-7dd89800e6c4',
  _id: '1',
  username: 'root',
  password: 'password123',
  secret: 'x',
  enabled: true,
  created_at: '2020-01-01T00:00:00Z',
  deleted_at: null,
  $set: { role: 'admin' },
  $or: [{}],
};

const withBody = routeTable.filter(({ body }) => body !== undefined);
describe.each(withBody)('$method $path', (route) => {
  const example = exampleBody(route).body as Record<string, unknown>;
  const offered = Object.keys(route.body?.shape ?? {});

  test.each(Object.entries(unoffered).filter(([name]) => !offered.includes(name)))(
    'takes no %s that it does not offer, and says which field it was',
    async (name, value) => {
      const answer = await ask(route, { ...example, [name]: value });
      expect([answer.status, answer.field('code')]).toEqual([422, 'REQUEST_INVALID']);
      expect(answer.body).toMatchObject({ problems: [{ path: `body.${name}`, message: 'unknown field' }] });
    },
  );

  test.each(offered)('takes no operator of a query language as its %s', async (name) => {
    for (const value of [{ $gt: '' }, { $ne: 1 }, { $where: 'sleep(9999)' }, { $nor: [{}] }, [{ $gt: '' }], [[]]]) {
      const answer = await ask(route, { ...example, [name]: value });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
    }
    const polluted = `{"${name}":{"__proto__":{"role":"admin"}},"__proto__":{"role":"admin"}}`;
    const raw = await api.wire(route.method, things.target(route), { token: admin.token, raw: polluted });
    expect([raw.status, raw.field('code')]).toEqual([400, 'REQUEST_UNREADABLE']);
  });

  test.each(['[]', '"text"', 'null', '7', '[{"$gt":""}]'])('takes no %s instead of an object', async (raw) => {
    const call = { token: admin.token, raw, headers: { 'if-match': '*' } };
    expect((await api.wire(route.method, things.target(route), call)).status).toBe(422);
  });
});

describe.each(routeTable.filter(({ query }) => query !== undefined))('$method $path', (route) => {
  const names = Object.keys(route.query?.shape ?? {});

  test('takes no query parameter that it does not offer', async () => {
    for (const name of ['role', 'is_admin', '$where', '__proto__', 'constructor'].filter(
      (one) => !names.includes(one),
    )) {
      const answer = await ask(route, exampleBody(route).body, `?${name}=1`);
      expect([name, answer.status]).toEqual([name, 422]);
    }
  });

  test.each(names)('takes %s once, as text', async (name) => {
    for (const query of [`?${name}[$gt]=`, `?${name}[]=1`, `?${name}.$ne=1`, `?${name}=1&${name}=2`]) {
      const answer = await ask(route, exampleBody(route).body, query);
      expect([query, answer.status]).toEqual([query, 422]);
    }
  });
});

test('after all this everything is as it was', async () => {
  expect(await everything()).toEqual(before);
});

/** Objects in a schema of the document that would take fields they do not name. */
function open(schema: unknown, path: string): string[] {
  if (Array.isArray(schema)) return schema.flatMap((part, index) => open(part, `${path}[${index}]`));
  if (typeof schema !== 'object' || schema === null) return [];
  const { type, properties, additionalProperties } = schema as Record<string, unknown>;
  const takesAnything = type === 'object' && properties !== undefined && additionalProperties !== false;
  const inner = Object.entries(schema).filter(([name]) => name !== 'examples' && name !== 'default');
  return [...(takesAnything ? [path] : []), ...inner.flatMap(([name, part]) => open(part, `${path}.${name}`))];
}

test('no object in any body, however deep, takes fields that it does not name', () => {
  const document = buildOpenApiDocument();
  const found = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    (['post', 'put', 'patch', 'delete'] as const).flatMap((method) => {
      const body = item[method]?.requestBody;
      return body === undefined ? [] : open(body, `${method} ${path}`);
    }),
  );
  expect(found).toEqual([]);
  expect(open(document.components?.schemas, 'components')).toEqual([]);
});
