import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Route, TextInput } from './route.ts';
import { routeTable } from './route-table.ts';
import { startTestApi, type TestApi } from './testing/start-test-api.ts';

let api: TestApi;
const tokens: (string | undefined)[] = [undefined, 'a.b.c'];
/** What there is, by the name of the path parameter, and what there might be. */
const existing: Record<string, string[]> = {
  id: ['01a20491-46c7-7615-91d5-7dd89800e6c4'],
  plugin: ['quota', 'delivery', 'domain-whitelist', 'nothing'],
  version: ['1', '2', '9'],
  name: ['main', 'nothing'],
};

beforeAll(async () => {
  api = await startTestApi({ api: { rate_limit: { requests: 1_000_000, window: '1h' }, registration: 'open' } });
  const admin = await api.administrator();
  const anna = await api.user('anna');
  tokens.push(admin.token, anna.token);
  // What is done to this one ends none of the logins that the requests come with.
  const carl = await api.user('carl');
  const { credential } = await api.accountsService.createCredential(anna.id, { name: 'shop' });
  const entry = await api.wire('POST', '/api/blacklist', { token: admin.token, body: { network: '192.0.2.1' } });
  existing.id?.push(credential.id, carl.id, entry.field('id'), await api.message(anna.id), await api.message(admin.id));
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

const exampleOf = (schema: Route['body']) => (schema?.meta()?.examples as Record<string, unknown>[] | undefined)?.[0];

/** Fields of a schema with values that are sometimes right, mostly wrong. */
function fieldsOf(schema: Route['query'], value: fc.Arbitrary<unknown>): fc.Arbitrary<Record<string, unknown>> {
  if (schema === undefined) return fc.constant({});
  const example = exampleOf(schema) ?? {};
  const fields = Object.keys(schema.shape).map((name): [string, fc.Arbitrary<unknown>] => [
    name,
    name in example ? fc.oneof({ weight: 3, arbitrary: fc.constant(example[name]) }, value) : value,
  ]);
  return fc.record(Object.fromEntries(fields), { requiredKeys: [] });
}

/** Bodies of routes that take no JSON: of a type they take, or another, with lines that are sometimes right. */
const textFor = ({ mediaTypes, examples }: TextInput) =>
  fc.record({
    type: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...mediaTypes) },
      fc.constantFrom('application/json', 'x/y', ''),
    ),
    text: fc.oneof(
      fc.constantFrom(...Object.values(examples)),
      fc
        .array(fc.oneof(anyText, fc.ipV4Extended(), fc.constantFrom('network,reason', '"', '#')))
        .map((all) => all.join('\n')),
      fc
        .tuple(fc.constantFrom(...Object.values(examples)), anyText, fc.nat({ max: 200 }))
        .map(([example, text, at]) => example.slice(0, at) + text + example.slice(at)),
    ),
  });

const requestTo = (route: Route) =>
  fc.record({
    name: fc.constant(route.id),
    token: fc.constantFrom(0, 1, 2, 2, 2, 2, 3, 3),
    place: fc.oneof({ weight: 4, arbitrary: fc.nat({ max: 9 }) }, anyText),
    query: fc.oneof(fc.constant({}), fieldsOf(route.query, anyText)),
    body: fc.oneof(
      { weight: 4, arbitrary: fieldsOf(route.body, fc.oneof(anyText, fc.jsonValue())) },
      { weight: 2, arbitrary: fc.constant(exampleOf(route.body) ?? {}) },
      fc.jsonValue(),
    ),
    text: route.text === undefined ? fc.constant(null) : textFor(route.text),
    ifMatch: fc.constantFrom(undefined, '*', '"1"', '"x", "y"', '"'),
    ifNoneMatch: fc.constantFrom(undefined, undefined, '*', '"1"', 'W/"'),
    stranger: fc.oneof({ weight: 7, arbitrary: fc.constant(null) }, fc.string({ unit: 'binary', minLength: 1 })),
  });

/** Without what ends logins: after it everything would be refused at the door. */
const request = fc
  .constantFrom(...routeTable.filter(({ id }) => !['logout', 'logoutAll', 'deleteUser'].includes(id)))
  .chain(requestTo);

test('whatever is asked, the answer is one of the document, and never that something broke', async () => {
  const seen = new Set<number>();
  await fc.assert(
    fc.asyncProperty(request, async ({ name, token, place, query, body, text, ifMatch, ifNoneMatch, stranger }) => {
      const route = routeTable.find((one) => one.id === name);
      if (route === undefined) throw new Error(`no route ${name}`);
      const path = route.path.replace(/\{(\w+)\}/g, (_, parameter: string) => {
        const known = existing[parameter] ?? [];
        const value = typeof place === 'number' ? known[place % known.length] : place;
        return encodeURIComponent(String(value).toWellFormed());
      });
      const pairs = Object.entries(query).map(([key, value]): [string, string] => [key, String(value)]);
      if (stranger !== null) pairs.push([stranger, stranger]);
      const search = pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`;
      const chosen = tokens[token];
      const answer = await api.wire(route.method, `${path}${search}`, {
        ...(chosen === undefined ? {} : { token: chosen }),
        ...(route.method === 'GET' ? {} : text === null ? { body } : { raw: text.text }),
        headers: {
          ...(text === null ? {} : { 'content-type': text.type }),
          ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
          ...(ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch }),
        },
      });
      seen.add(answer.status);
      expect(answer.status).toBeLessThan(500);
    }),
    { numRuns: 5_000 },
  );
  // The generator would prove little if it never came past the first door.
  for (const status of [200, 201, 304, 400, 401, 403, 404, 409, 422]) expect(seen).toContain(status);
}, 300_000);
