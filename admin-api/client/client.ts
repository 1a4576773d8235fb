import type { z } from 'zod';
import { catalogue, type ErrorCode, type Problem, SluiceError } from '../../core/domain/errors.ts';
import type { Route, TextBody, TextInput } from '../route.ts';
import { fetchTransport, socketTransport, type Transport } from './transport.ts';

type Part<R, K extends 'params' | 'query' | 'headers' | 'body'> = R extends { [P in K]: infer S extends z.ZodType }
  ? Record<never, never> extends z.input<S>
    ? { readonly [P in K]?: z.input<S> }
    : { readonly [P in K]: z.input<S> }
  : { readonly [P in K]?: never };
/** What a route takes; parts whose fields are all optional may be left out. */
export type CallInput<R extends Route> = Part<R, 'params'> &
  Part<R, 'query'> &
  Part<R, 'headers'> &
  (R extends { text: TextInput } ? { readonly body: TextBody } : Part<R, 'body'>);
type Arguments<R extends Route> =
  Record<never, never> extends CallInput<R> ? [input?: CallInput<R>] : [input: CallInput<R>];
type BodyOf<A> = A extends { schema: infer Z extends z.ZodType }
  ? z.output<Z>
  : A extends { mediaTypes: readonly string[] }
    ? string
    : undefined;
/** What a route answers when it succeeds. */
export type CallResult<R extends Route> = { [S in keyof R['answers']]: BodyOf<R['answers'][S]> }[keyof R['answers']];

export type ClientOptions =
  | { readonly url: string; readonly token?: string }
  /** Path of a control socket: the caller is administrator, without a token. */
  | { readonly socketPath: string };

/** An answer with the version it shows. */
export interface Versioned<T> {
  /** Null where the answer has none. */
  readonly etag: string | null;
  /** `not-modified`: `known` is current. */
  readonly body: T | 'not-modified';
}

export interface Client {
  /**
   * Calls a route of the route table. Rejects with a `SluiceError`: the server's own code, text and problems, or
   * `SERVICE_UNAVAILABLE` when nobody answers.
   */
  call<R extends Route>(route: R, ...input: Arguments<R>): Promise<CallResult<R>>;
  /** The same with the answer's ETag, for If-Match; with `known`, the ETag of what one has, only if that is not current. */
  callVersioned<R extends Route>(
    route: R,
    input: CallInput<R>,
    options?: { readonly known?: string },
  ): Promise<Versioned<CallResult<R>>>;
}

interface Parts {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
}

function target(route: Route, parts: Parts): string {
  const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(parts.params?.[name])));
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parts.query ?? {})) {
    if (value !== undefined) query.set(name, String(value));
  }
  return query.size === 0 ? path : `${path}?${query}`;
}

/** The body as it goes over the wire; undefined for none. */
function sentBody(route: Route, body: unknown): { mediaType: string; body: string | undefined } {
  if (route.text !== undefined) {
    const { mediaType, text } = body as TextBody;
    return { mediaType, body: text };
  }
  return { mediaType: 'application/json', body: body === undefined ? undefined : JSON.stringify(body) };
}

const isCode = (code: unknown): code is ErrorCode => typeof code === 'string' && Object.hasOwn(catalogue, code);

/** What the server refused, as the error that it named. */
export function failure(status: number, text: string): SluiceError {
  let answer: { code?: unknown; detail?: unknown; problems?: readonly Problem[] } = {};
  try {
    answer = JSON.parse(text);
  } catch {
    // Not from Sluice: something between us answered.
  }
  if (!isCode(answer.code))
    return new SluiceError('SERVICE_UNAVAILABLE', `the answer was HTTP ${status}, not Sluice's`);
  return new SluiceError(answer.code, String(answer.detail), { problems: answer.problems ?? [] });
}

/** A client of the API, over TCP or the control socket. It holds no connection that would keep a process alive. */
export function createClient(options: ClientOptions): Client {
  const transport: Transport = 'url' in options ? fetchTransport(options.url) : socketTransport(options.socketPath);
  const token = 'url' in options ? options.token : undefined;
  const ask = async (route: Route, parts: Parts, known?: string): Promise<Versioned<unknown>> => {
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(parts.headers ?? {})) {
      if (value !== undefined) headers[name] = String(value);
    }
    if (token !== undefined) headers.authorization = `Bearer ${token}`;
    if (known !== undefined) headers['if-none-match'] = known;
    const { mediaType, body } = sentBody(route, parts.body);
    if (body !== undefined) headers['content-type'] = mediaType;
    const { method } = route;
    const answer = await transport({
      method,
      target: target(route, parts),
      headers,
      ...(body === undefined ? {} : { body }),
    });
    const { status, text, etag } = answer;
    if (status === 304 && known !== undefined) return { etag, body: 'not-modified' };
    if (!Object.hasOwn(route.answers, status)) throw failure(status, text);
    const isJson = route.answers[status]?.schema !== undefined;
    return { etag, body: isJson ? JSON.parse(text) : text || undefined };
  };
  return {
    async call<R extends Route>(route: R, ...[input]: Arguments<R>) {
      return (await ask(route, input ?? {})).body as CallResult<R>;
    },
    async callVersioned<R extends Route>(route: R, input: CallInput<R>, { known }: { known?: string } = {}) {
      return (await ask(route, input, known)) as Versioned<CallResult<R>>;
    },
  };
}
