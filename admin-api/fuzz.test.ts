import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Route } from './route.ts';
import { routeTable } from './route-table.ts';
import { startTestApi, type TestApi } from './testing/start-test-api.ts';

let api: TestApi;
const tokens: (string | undefined)[] = [undefined, 'a.b.c'];
const ids: string[] = ['01a20491-46c7-7615-91d5-7dd89800e6c4'];

beforeAll(async () => {
  api = await startTestApi({ api: { rate_limit: { requests: 1_000_000, window: '1h' }, registration: 'open' } });
  const admin = await api.administrator();
  const anna = await api.user('anna');
  tokens.push(admin.token, anna.token);
  const { credential } = await api.accountsService.createCredential(anna.id, { name: 'shop' });
  ids.push(credential.id, anna.id, await api.message(anna.id), await api.message(admin.id));
});
afterAll(() => api.close());

const hostile = fc.constantFrom(
  '',
  '\0',
  '\r\nBcc: x',
  '{"$gt":""}',
  "' OR 1=1 --",
  '../../etc/passwd',
  '%00',
  '<img onerror=x>',
  '=1+1',
  '9'.repeat(30),
  '1e999',
  '-1',
  '\ud800',
);
const anyText = fc.oneof(hostile, fc.string({ unit: 'binary' }), fc.webUrl(), fc.emailAddress(), fc.uuid(), fc.ipV6());

/** Fields of a schema with values that are sometimes right, mostly wrong. */
function fieldsOf(schema: Route['query'], value: fc.Arbitrary<unknown>): fc.Arbitrary<Record<string, unknown>> {
  if (schema === undefined) return fc.constant({});
  const example = (schema.meta()?.examples as Record<string, unknown>[] | undefined)?.[0] ?? {};
  const fields = Object.keys(schema.shape).map((name): [string, fc.Arbitrary<unknown>] => [
    name,
    name in example ? fc.oneof({ weight: 3, arbitrary: fc.constant(example[name]) }, value) : value,
  ]);
  return fc.record(Object.fromEntries(fields), { requiredKeys: [] });
}

const requestTo = (route: Route) =>
  fc.record({
    name: fc.constant(route.id),
    token: fc.nat({ max: 3 }),
    id: fc.oneof({ weight: 4, arbitrary: fc.nat({ max: 4 }) }, anyText),
    query: fieldsOf(route.query, anyText),
    body: fc.oneof({ weight: 4, arbitrary: fieldsOf(route.body, fc.oneof(anyText, fc.jsonValue())) }, fc.jsonValue()),
    stranger: fc.option(fc.string({ unit: 'binary', minLength: 1 }), { freq: 8 }),
  });

/** Without what ends logins: after it everything would be refused at the door. */
const request = fc
  .constantFrom(...routeTable.filter(({ id }) => !['logout', 'logoutAll', 'deleteUser'].includes(id)))
  .chain(requestTo);

test('whatever is asked, the answer is one of the document, and never that something broke', async () => {
  const seen = new Set<number>();
  await fc.assert(
    fc.asyncProperty(request, async ({ name, token, id, query, body, stranger }) => {
      const route = routeTable.find((one) => one.id === name);
      if (route === undefined) throw new Error(`no route ${name}`);
      const path = route.path.replace(
        '{id}',
        encodeURIComponent(String(typeof id === 'number' ? ids[id] : id).toWellFormed()),
      );
      const pairs = Object.entries(query).map(([key, value]): [string, string] => [key, String(value)]);
      if (stranger !== null) pairs.push([stranger, stranger]);
      const search = pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`;
      const chosen = tokens[token];
      const answer = await api.wire(route.method, `${path}${search}`, {
        ...(chosen === undefined ? {} : { token: chosen }),
        ...(route.method === 'GET' ? {} : { body }),
      });
      seen.add(answer.status);
      expect(answer.status).toBeLessThan(500);
    }),
    { numRuns: 5_000 },
  );
  // The generator would prove little if it never came past the first door.
  for (const status of [200, 400, 401, 403, 404, 422]) expect(seen).toContain(status);
}, 300_000);
