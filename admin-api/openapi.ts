import { oas31 } from 'openapi3-ts';
import { z } from 'zod';
import { catalogue, type ErrorCode } from '../core/domain/errors.ts';
import packageJson from '../package.json' with { type: 'json' };
import { answerHeaders, sharedHeaders } from './answer-headers.ts';
import { scopeOf } from './auth/scopes.ts';
import { idempotencyErrors, idempotencyKeySchema, isCreation } from './http/idempotency.ts';
import { problemSchema, problemType } from './problem.ts';
import type { Route, Security } from './route.ts';
import { routeTable, tags } from './route-table.ts';

type Schemas = Map<string, oas31.SchemaObject>;

const components = '#/components/schemas/';

/** Moves references from zod's `$defs` to the document's components, and drops the marks of a document of its own. */
function rewritten(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rewritten);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value)
    .filter(([key]) => key !== '$schema' && key !== '$defs')
    .map(([key, inner]) => [
      key,
      key === '$ref' && typeof inner === 'string' ? inner.replace('#/$defs/', components) : rewritten(inner),
    ]);
  return Object.fromEntries(entries);
}

/** JSON Schema of what goes in or comes out; parts that have a name are added to `schemas`. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output', schemas: Schemas): oas31.SchemaObject {
  const converted = z.toJSONSchema(schema, { target: 'draft-2020-12', io });
  for (const [id, part] of Object.entries(converted.$defs ?? {}))
    schemas.set(id, rewritten(part) as oas31.SchemaObject);
  return rewritten(converted) as oas31.SchemaObject;
}

/** Every error a route can answer: its own, and those that follow from what it takes and whom it lets in. */
export function errorsOf(route: Route): ErrorCode[] {
  const codes = new Set<ErrorCode>(['REQUEST_UNREADABLE', ...(route.errors ?? []), 'INTERNAL', 'STORE_UNAVAILABLE']);
  if (route.security !== 'none') codes.add('UNAUTHENTICATED');
  if (route.security === 'user' || route.security === 'admin') codes.add('FORBIDDEN');
  for (const code of isCreation(route) ? idempotencyErrors : []) codes.add(code);
  if (route.query !== undefined || route.headers !== undefined) codes.add('REQUEST_INVALID');
  if (route.limited !== false) codes.add('RATE_LIMITED');
  if (route.method !== 'GET') {
    for (const code of ['REQUEST_INVALID', 'REQUEST_TOO_LARGE', 'STORE_FULL', 'UNSUPPORTED_MEDIA_TYPE'] as const) {
      codes.add(code);
    }
  }
  return [...codes];
}

const etagHeader = {
  ETag: {
    description: 'Which version this is, for If-Match and If-None-Match',
    required: true,
    schema: { type: 'string' },
  },
} as const satisfies oas31.HeadersObject;

/** Reads of what has versions need not be sent again (RFC 9110 §13.1.2). */
const isConditional = ({ method, answers }: Route): boolean =>
  method === 'GET' && Object.values(answers).some(({ etag }) => etag === true);
const ifNoneMatch: oas31.ParameterObject = {
  name: 'If-None-Match',
  in: 'header',
  required: false,
  description: 'The ETag of what you have: answered 304, without a body, while it is current',
  schema: { type: 'string' },
};
const notModified = { description: 'What you have is current', headers: etagHeader, content: {} };

function responsesOf(route: Route, schemas: Schemas): oas31.ResponsesObject {
  const responses: Record<string, oas31.ResponseObject & { content: oas31.ContentObject }> = {};
  if (isConditional(route)) responses[304] = notModified;
  for (const [status, answer] of Object.entries(route.answers)) {
    const { description, schema, mediaTypes = [], contentSchema, etag } = answer;
    const text = {
      type: 'string' as const,
      ...(contentSchema === undefined
        ? {}
        : { contentMediaType: 'application/json', contentSchema: jsonSchema(contentSchema, 'output', schemas) }),
    };
    const content: oas31.ContentObject =
      schema === undefined
        ? Object.fromEntries(mediaTypes.map((type) => [type, { schema: text }]))
        : { 'application/json': { schema: jsonSchema(schema, 'output', schemas) } };
    responses[status] = { description, ...(etag === true ? { headers: etagHeader } : {}), content };
  }
  const problem = { [problemType]: { schema: jsonSchema(problemSchema, 'output', schemas) } };
  for (const code of errorsOf(route)) {
    const { http, title } = catalogue[code];
    const before = responses[http];
    const description = `${before === undefined ? '' : `${before.description}; or `}${title} (${code})`;
    responses[http] = {
      ...(before?.headers === undefined ? {} : { headers: before.headers }),
      description,
      content: { ...before?.content, ...problem },
    };
  }
  for (const [status, response] of Object.entries(responses)) {
    response.headers = { ...response.headers, ...sharedHeaders(route, Number(status)) };
  }
  return responses;
}

function parametersOf(route: Route, schemas: Schemas): oas31.ParameterObject[] {
  const places = [
    ['path', route.params],
    ['query', route.query],
    ['header', route.headers],
  ] as const;
  const named = places.flatMap(([where, fields]): oas31.ParameterObject[] => {
    if (fields === undefined) return [];
    const { properties = {}, required = [] } = jsonSchema(fields, 'input', schemas);
    return Object.entries(properties).map(([name, schema]) => ({
      name: where === 'header' ? name.replace(/\b[a-z]/g, (letter) => letter.toUpperCase()) : name,
      in: where,
      required: required.includes(name),
      schema,
    }));
  });
  if (isConditional(route)) named.push(ifNoneMatch);
  if (!isCreation(route)) return named;
  const schema = jsonSchema(idempotencyKeySchema, 'input', schemas);
  return [...named, { name: 'Idempotency-Key', in: 'header', required: false, schema }];
}

const securityOf: Record<Security, oas31.SecurityRequirementObject[]> = {
  none: [],
  optional: [{}, { bearer: [] }],
  user: [{ bearer: [] }],
  admin: [{ bearer: [] }],
};

function requestBodyOf({ body, text }: Route, schemas: Schemas): { requestBody?: oas31.RequestBodyObject } {
  if (text !== undefined) {
    const content = text.mediaTypes.map((type) => [type, { schema: { type: 'string' }, example: text.examples[type] }]);
    return { requestBody: { required: true, content: Object.fromEntries(content) } };
  }
  if (body === undefined) return {};
  const content = { 'application/json': { schema: jsonSchema(body, 'input', schemas) } };
  return { requestBody: { required: true, content } };
}

function operationOf(route: Route, schemas: Schemas): oas31.OperationObject {
  const scope = scopeOf(route);
  const keys = scope === 'session' ? 'No API key may do this.' : `API keys need the scope \`${scope}\`.`;
  const description = [
    route.description,
    route.security === 'admin' ? 'For administrators.' : undefined,
    scope === null ? undefined : keys,
  ]
    .filter((text) => text !== undefined)
    .join(' ');
  return {
    operationId: route.id,
    tags: [route.tag],
    summary: route.summary,
    ...(description === '' ? {} : { description }),
    security: securityOf[route.security],
    parameters: parametersOf(route, schemas),
    ...requestBodyOf(route, schemas),
    responses: responsesOf(route, schemas),
  };
}

/** The OpenAPI 3.1 document of the route table; the same for every process of this version. */
export function buildOpenApiDocument(): oas31.OpenAPIObject {
  const schemas: Schemas = new Map();
  const builder = oas31.OpenApiBuilder.create()
    .addOpenApiVersion('3.1.0')
    .addInfo({
      title: 'Sluice',
      version: packageJson.version,
      description:
        'The admin API of the mail relay. Get a token by `POST /api/auth/login`, press Authorize and paste it. Errors are problem details (RFC 9457) whose `code` is stable.',
      license: { name: 'MIT', identifier: 'MIT' },
    })
    .addServer({ url: '/' })
    .addSecurityScheme('bearer', {
      type: 'http',
      scheme: 'bearer',
      description: 'The `token` of `POST /api/auth/login`, or an API key (`sluice_…`).',
    });
  for (const [name, header] of Object.entries(answerHeaders)) builder.addHeader(name, header);
  for (const [name, description] of Object.entries(tags)) builder.addTag({ name, description });
  const paths = new Map<string, oas31.PathItemObject>();
  for (const route of routeTable) {
    const operation = { [route.method.toLowerCase()]: operationOf(route, schemas) };
    paths.set(route.path, { ...paths.get(route.path), ...operation });
  }
  for (const [path, item] of paths) builder.addPath(path, item);
  for (const [id, schema] of [...schemas].sort(([a], [b]) => a.localeCompare(b))) builder.addSchema(id, schema);
  return builder.getSpec();
}
