import type { Request, Response } from 'restify';
import { SluiceError } from '../../core/domain/errors.ts';
import type { Logger } from '../../core/observability/log.ts';
import type { Authenticate } from '../auth/authenticate.ts';
import { checkScope } from '../auth/scopes.ts';
import { problemsOf, problemType, toProblem } from '../problem.ts';
import type { BoundRoute, Caller, CheckedInput, RawBody, RequestFacts, Route, SentAnswer } from '../route.ts';
import { discardBody, hasBody, readJson, readText } from './body.ts';
import type { AnswerOnce } from './idempotency.ts';
import { sendRaw } from './raw-answer.ts';
import type { RequestLimit } from './request-limit.ts';
import { hasVersion } from './version.ts';

/** What differs between the TCP listener and the control socket. */
export interface Entrance {
  readonly authenticate: Authenticate;
  /** Null where requests without a login are not counted. */
  readonly limit: RequestLimit | null;
  readonly answerOnce: AnswerOnce;
  facts(request: Request, id: string): Omit<RequestFacts, 'callerNow'>;
}

/** The request's id, given by `prepare` before anything else happens. */
export const requestId = (response: Response): string => String(response.getHeader('x-request-id'));

/** Sends an error as problem+json; what the client may not see goes to the log. */
export function sendProblem(request: Request, response: Response, error: unknown, log: Logger): void {
  const problem = toProblem(error, requestId(response));
  if (problem.status >= 500) log.error({ err: error, request: problem.request_id }, 'API request failed');
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (problem.status === 401) response.setHeader('WWW-Authenticate', 'Bearer realm="sluice"');
  send(response, { status: problem.status, body: problem }, problemType);
  discardBody(request);
}

function send(response: Response, answer: SentAnswer, mediaType = 'application/json'): void {
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  if (answer.body === undefined) {
    response.send(answer.status);
    return;
  }
  const text = JSON.stringify(answer.body);
  response.setHeader('Content-Length', Buffer.byteLength(text));
  response.sendRaw(answer.status, text, { 'Content-Type': mediaType });
}

async function authenticated(route: Route, entrance: Entrance, request: Request): Promise<Caller | null> {
  if (route.security === 'none') return null;
  const caller = await entrance.authenticate(request.headers.authorization);
  if (route.security === 'optional') return caller;
  if (caller === null) throw new SluiceError('UNAUTHENTICATED', 'this needs a token: POST /api/auth/login');
  checkScope(caller, route);
  if (route.security === 'admin' && caller.role !== 'admin') {
    throw new SluiceError('FORBIDDEN', 'only administrators may do this');
  }
  return caller;
}

/** The same later on, for a request that is still being answered. */
async function callerNow(route: Route, entrance: Entrance, request: Request): Promise<Caller | null> {
  try {
    return await authenticated(route, entrance, request);
  } catch (error) {
    if (error instanceof SluiceError && (error.code === 'UNAUTHENTICATED' || error.code === 'FORBIDDEN')) return null;
    throw error;
  }
}

/** Who calls, and a point off the limit of those who cannot say so. */
async function admit(
  route: Route,
  entrance: Entrance,
  request: Request,
  response: Response,
  facts: Pick<RequestFacts, 'address'>,
) {
  let refusal: unknown = null;
  let caller: Caller | null = null;
  try {
    caller = await authenticated(route, entrance, request);
  } catch (error) {
    refusal = error;
  }
  const forbidden = refusal instanceof SluiceError && refusal.code === 'FORBIDDEN';
  if (caller === null && !forbidden && entrance.limit !== null && route.limited !== false && facts.address !== null) {
    const { headers, refusal: tooMany } = await entrance.limit(facts.address);
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    refusal = tooMany ?? refusal;
  }
  if (refusal !== null) throw refusal;
  return caller;
}

function queryOf(request: Request): Record<string, string> {
  const query: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(request.getQuery())) {
    if (Object.hasOwn(query, name)) {
      const problems = [{ path: `query.${name.slice(0, 100)}`, message: 'given more than once' }];
      throw new SluiceError('REQUEST_INVALID', 'a query parameter is given more than once', { problems });
    }
    query[name] = value;
  }
  return { ...query };
}

/** Of the request's headers those that the route names. */
function headersOf(route: Route, request: Request): Record<string, unknown> {
  const names = Object.keys(route.headers?.shape ?? {}).filter((name) => request.headers[name] !== undefined);
  return Object.fromEntries(names.map((name) => [name, request.headers[name]]));
}

function validated(route: Route, where: 'params' | 'query' | 'headers' | 'body', value: unknown): object {
  const schema = route[where];
  if (schema === undefined) return {};
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = problemsOf(result.error, where).slice(0, 100);
  const text = problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
  throw new SluiceError(where === 'params' ? 'REQUEST_UNREADABLE' : 'REQUEST_INVALID', text.slice(0, 1_000), {
    problems,
  });
}

const bodyProblem = (message: string) =>
  new SluiceError('REQUEST_INVALID', message, { problems: [{ path: 'body', message }] });

/** The body, validated: JSON by the route's schema, or text, which its handler looks into. */
async function bodyOf(route: Route, request: Request, response: Response): Promise<object> {
  const proceed = () => {
    if (request.headers.expect !== undefined) response.writeContinue();
  };
  if (route.text === undefined) return validated(route, 'body', await jsonOf(route, request, proceed));
  if (!hasBody(request)) throw bodyProblem(`this takes a body of ${route.text.mediaTypes.join(' or ')}`);
  return await readText(request, route.text, proceed);
}

async function jsonOf(route: Route, request: Request, proceed: () => void): Promise<unknown> {
  if (route.method === 'GET' || !hasBody(request)) return undefined;
  const body = await readJson(request, proceed);
  if (route.body !== undefined || JSON.stringify(body) === '{}') return body;
  throw bodyProblem('this takes no body');
}

/** The same answer without its body, where the client has this version of it already (RFC 9110 §15.4.5). */
function unlessKnown(route: Route, request: Request, answer: SentAnswer): SentAnswer {
  const etag = answer.headers?.etag;
  if (route.method !== 'GET' || route.answers[answer.status]?.etag !== true || etag === undefined) return answer;
  return hasVersion(request.headers['if-none-match'], etag) ? { status: 304, headers: { etag } } : answer;
}

/**
 * The way of a request: who calls, whether they may, then the body, then its validation, then the handler. Nothing of
 * the body is read before the first two are known. Every outcome is an answer of the route's description.
 */
export function dispatcher(bound: BoundRoute, entrance: Entrance, log: Logger) {
  const { route } = bound;
  return async (request: Request, response: Response): Promise<void> => {
    try {
      const facts: RequestFacts = {
        ...entrance.facts(request, requestId(response)),
        callerNow: () => callerNow(route, entrance, request),
      };
      const caller = await admit(route, entrance, request, response, facts);
      const params = validated(route, 'params', request.params);
      const query = validated(route, 'query', route.query === undefined ? {} : queryOf(request));
      const headers = validated(route, 'headers', headersOf(route, request));
      const body = await bodyOf(route, request, response);
      const input: CheckedInput = { params, query, headers, body, caller, request: facts };
      const key = request.headers['idempotency-key']?.toString();
      const given = [params, query, body];
      const handled = await entrance.answerOnce({ route, caller, key, given }, () => bound.handle(input));
      const answer = unlessKnown(route, request, handled);
      const mediaType = route.answers[answer.status]?.mediaTypes?.[0];
      if (mediaType === undefined) send(response, answer);
      else await sendRaw(request, response, { ...answer, body: answer.body as RawBody }, mediaType);
    } catch (error) {
      sendProblem(request, response, error, log);
    }
  };
}
