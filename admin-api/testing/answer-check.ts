import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { buildOpenApiDocument } from '../openapi.ts';
import { problemType } from '../problem.ts';
import { routeTable } from '../route-table.ts';

/** An answer as it came over the wire. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
}

const documentId = 'https://sluice.test/openapi.json';
const document = buildOpenApiDocument();
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema(document, documentId);

const escaped = (part: string) => part.replaceAll('~', '~0').replaceAll('/', '~1');
const compiled = new Map<string, ValidateFunction>();
const validator = (...parts: string[]): ValidateFunction => {
  const pointer = `${documentId}#/${parts.map((part) => encodeURIComponent(escaped(part))).join('/')}`;
  const validate = compiled.get(pointer) ?? ajv.compile({ $ref: pointer });
  compiled.set(pointer, validate);
  return validate;
};

const matches = (template: string, path: string) => new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]*')}$`).test(path);

/**
 * The most literal path of the document that fits and takes the method, or that fits: `/api/mail-logs/stats` before
 * `/api/mail-logs/{id}`.
 */
function templateOf(path: string, method: string): string | undefined {
  const fitting = routeTable
    .filter((route) => matches(route.path, path))
    .sort((a, b) => a.path.split('{').length - b.path.split('{').length);
  return (fitting.find((route) => route.method === method) ?? fitting[0])?.path;
}

function check(validate: ValidateFunction, body: unknown, what: string): void {
  if (!validate(body)) throw new Error(`${what} is not as described: ${ajv.errorsText(validate.errors)}`);
}

/** Headers of HTTP itself, and those that every answer has: no operation describes them. */
const general = new Set([
  ...['allow', 'cache-control', 'connection', 'content-disposition', 'content-length', 'content-type', 'date'],
  ...['keep-alive', 'transfer-encoding', 'vary'],
  ...['content-security-policy', 'cross-origin-opener-policy', 'cross-origin-resource-policy', 'referrer-policy'],
  ...['x-content-type-options', 'x-frame-options', 'x-accel-buffering'],
]);

function checkHeaders({ headers }: WireAnswer, described: readonly string[], what: string): void {
  const known = new Set(described.map((name) => name.toLowerCase()));
  for (const name of Object.keys(headers)) {
    if (!general.has(name) && !known.has(name)) throw new Error(`${what}: the header ${name} is not described`);
  }
  if (headers['x-request-id'] === undefined) throw new Error(`${what}: no X-Request-Id`);
}

/**
 * Throws unless the document describes this answer to this request: path, method, status, media type, headers, every field. An
 * address outside the document must answer 404, a method outside it 405, both as a problem.
 */
export function checkAnswer(method: string, target: string, answer: WireAnswer): void {
  const path = URL.parse(target, 'http://localhost')?.pathname ?? target.split('?', 1)[0] ?? '';
  // HEAD is GET without the body.
  const asked = method === 'HEAD' ? 'GET' : method;
  const template = templateOf(path, asked);
  const verb = asked.toLowerCase() as 'get';
  const operation = template === undefined ? undefined : document.paths?.[template]?.[verb];
  const what = `${method} ${target} → ${answer.status} ${answer.text.slice(0, 300)}`;
  const mediaType = String(answer.headers['content-type'] ?? '').split(';', 1)[0] ?? '';
  if (template === undefined || operation === undefined) {
    const expected = template === undefined ? [400, 404] : [400, 405];
    if (!expected.includes(answer.status)) throw new Error(`${what}: expected ${expected}`);
    if (method !== 'HEAD') check(validator('components', 'schemas', 'Problem'), JSON.parse(answer.text), what);
    return;
  }
  const described = operation.responses?.[answer.status];
  if (described === undefined) throw new Error(`${what}: no such status in the document`);
  const content: Record<string, unknown> = described.content ?? {};
  const hasEtag = described.headers?.ETag !== undefined;
  if (hasEtag !== (answer.headers.etag !== undefined))
    throw new Error(`${what}: ETag is ${hasEtag ? 'missing' : 'not described'}`);
  checkHeaders(answer, Object.keys(described.headers ?? {}), what);
  if (answer.text === '') {
    if (method !== 'HEAD' && 'application/json' in content && answer.status < 400)
      throw new Error(`${what}: a body is described`);
    return;
  }
  if (!(mediaType in content)) throw new Error(`${what}: ${mediaType} is not described`);
  if (answer.status < 400 && mediaType !== 'application/json') return;
  if (answer.status >= 400 && mediaType !== problemType && answer.status !== 503)
    throw new Error(`${what}: no problem`);
  const place = ['paths', template, verb, 'responses', String(answer.status), 'content', mediaType];
  check(validator(...place, 'schema'), JSON.parse(answer.text), what);
}
