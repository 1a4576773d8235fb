import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { catalogue } from '../core/domain/errors.ts';
import { buildOpenApiDocument, errorsOf } from './openapi.ts';
import { routeTable, tags } from './route-table.ts';
import { startTestApi } from './testing/start-test-api.ts';

const document = buildOpenApiDocument();
const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
  (['get', 'post', 'put', 'patch', 'delete'] as const).flatMap((method) => {
    const operation = item[method];
    return operation === undefined ? [] : [{ path, method: method.toUpperCase(), operation }];
  }),
);

const fits = (template: string, path: string) => new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`).test(path);

test('the checked-in document is the one the routes make', async () => {
  const text = await readFile(new URL('openapi.json', import.meta.url), 'utf8');
  expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(document)));
});

test('every route of the running server is described, and every description is served', async () => {
  await using api = await startTestApi();
  // `/api/plugins/history` is served by what is served at `/api/plugins/{plugin}`, too.
  const described = (path: string) => operations.filter((one) => fits(one.path, path));
  for (const path of new Set(routeTable.map((route) => route.path))) {
    const target = path.replace(/\{\w+\}/g, '01a20491-46c7-7615-91d5-7dd89800e6c4');
    // TRACE is taken nowhere: the answer lists what is.
    const answer = await api.wire('TRACE', target);
    expect(answer.status).toBe(405);
    const served = String(answer.headers.allow)
      .split(', ')
      .filter((method) => method !== 'HEAD');
    expect(served.sort()).toEqual([...new Set(described(path).map(({ method }) => method))].sort());
  }
  expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(
    routeTable.map(({ method, path }) => `${method} ${path}`).sort(),
  );
});

test('HEAD is taken where GET is, and no other method than those of the document anywhere', async () => {
  await using api = await startTestApi({ api: { rate_limit: { requests: 100_000, window: '1h' } } });
  for (const path of new Set(routeTable.map((route) => route.path))) {
    const target = path.replace(/\{\w+\}/g, '01a20491-46c7-7615-91d5-7dd89800e6c4');
    const got = operations.some((one) => one.method === 'GET' && fits(one.path, target));
    const head = await api.wire('HEAD', target);
    expect([path, head.status, head.text]).toEqual([path, got ? (await api.wire('GET', target)).status : 405, '']);
    for (const method of ['OPTIONS', 'TRACE', 'PROPFIND', 'SEARCH']) {
      const answer = await api.wire(method, target);
      expect([path, method, answer.status, answer.field('code')]).toEqual([path, method, 405, 'METHOD_NOT_ALLOWED']);
    }
  }
  for (const target of ['/', '/api', '/api/', '/api/nothing', '/openapi.yaml', '/metrics', '/api/users/a/b/c']) {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      expect([target, (await api.wire(method, target)).status]).toEqual([target, 404]);
    }
  }
});

test('the served document is the checked-in one', async () => {
  await using api = await startTestApi();
  expect((await api.wire('GET', '/openapi.json')).body).toEqual(JSON.parse(JSON.stringify(document)));
});

describe.each(operations)('$method $path', ({ path, operation }) => {
  const route = routeTable.find(({ id }) => id === operation.operationId);

  test('has a name of its own, a summary and a known tag', () => {
    expect(operations.filter((other) => other.operation.operationId === operation.operationId)).toHaveLength(1);
    expect(operation.summary).toMatch(/\S/);
    expect(operation.tags?.every((tag) => tag in tags)).toBe(true);
  });

  test('declares its path parameters', () => {
    const declared = (operation.parameters ?? []).flatMap((parameter) =>
      'in' in parameter && parameter.in === 'path' ? [parameter.name] : [],
    );
    expect(declared).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
  });

  test('says of each parameter what it is for', () => {
    for (const parameter of operation.parameters ?? []) {
      const { name, description, schema } = parameter as {
        name: string;
        description?: string;
        schema?: { description?: string };
      };
      expect([name, description ?? schema?.description]).toEqual([name, expect.stringMatching(/\S{3}/)]);
    }
  });

  test('says whom it lets in', () => {
    const bearer = { bearer: [] };
    const expected = { none: [], optional: [{}, bearer], user: [bearer], admin: [bearer] };
    expect(operation.security).toEqual(expected[route?.security ?? 'none']);
  });

  test('lists every error it can answer', () => {
    if (route === undefined) throw new Error('no such route');
    for (const code of errorsOf(route)) {
      const response = operation.responses?.[catalogue[code].http];
      expect(response.description).toContain(code);
      expect(response.content).toHaveProperty(['application/problem+json']);
    }
    const byBody = route.id === 'login' || route.id === 'refreshToken';
    expect('401' in (operation.responses ?? {})).toBe(route.security !== 'none' || byBody);
  });

  test('tells which answers show a version, and that a read of one may be spared', () => {
    if (route === undefined) throw new Error('no such route');
    const versioned = Object.entries(route.answers).filter(([, answer]) => answer.etag === true);
    for (const [status] of versioned) expect(operation.responses?.[status].headers).toHaveProperty('ETag');
    const conditional = route.method === 'GET' && versioned.length > 0;
    const names = (operation.parameters ?? []).flatMap((parameter) => ('name' in parameter ? [parameter.name] : []));
    expect([names.includes('If-None-Match'), '304' in (operation.responses ?? {})]).toEqual([conditional, conditional]);
    expect(route.headers !== undefined && 'if-match' in route.headers.shape).toBe(names.includes('If-Match'));
  });

  test('has an example of each kind of text that it takes', () => {
    const content =
      operation.requestBody !== undefined && 'content' in operation.requestBody ? operation.requestBody.content : {};
    const { mediaTypes = [] } = route?.text ?? {};
    expect(Object.keys(content)).toEqual(
      route?.text === undefined ? (route?.body === undefined ? [] : ['application/json']) : [...mediaTypes],
    );
    for (const type of mediaTypes) expect(content[type]).toHaveProperty('example', expect.stringMatching(/\S/));
  });

  test('has an example of its body that the route takes', () => {
    if (route?.body === undefined) return;
    const examples = route.body.meta()?.examples as unknown[];
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) expect(route.body.safeParse(example).success).toBe(true);
  });
});

test('every reference leads somewhere, and every schema can be compiled', () => {
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  ajv.addSchema(document, 'https://sluice.test/openapi.json');
  const text = JSON.stringify(document);
  expect(text).not.toContain('$defs');
  const references = new Set([...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference));
  expect(references.size).toBeGreaterThan(5);
  for (const reference of references) ajv.compile({ $ref: `https://sluice.test/openapi.json${reference}` });
});
