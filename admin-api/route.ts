import type { z } from 'zod';
import type { ErrorCode } from '../core/domain/errors.ts';
import type { RouteScope, Scope } from './auth/scopes.ts';

/**
 * Who may call: anybody (`none`), anybody, though a token tells more (`optional`), whoever is logged in (`user`),
 * administrators (`admin`).
 */
export type Security = 'none' | 'optional' | 'user' | 'admin';

/** One answer of success: JSON by its schema, or something else of a media type; with neither it has no body. */
export interface Answer {
  readonly description: string;
  readonly schema?: z.ZodType;
  /** Instead of a schema: the body is text or octets of one of these types, the first unless Content-Type says so. */
  readonly mediaTypes?: readonly string[];
  /** What the text of such a body carries piece by piece, as JSON. */
  readonly contentSchema?: z.ZodType;
  /** It shows one version of something, which its ETag names; a GET that has it already (If-None-Match) is answered 304. */
  readonly etag?: true;
}

/** What a route takes instead of JSON. */
export interface TextInput {
  readonly mediaTypes: readonly string[];
  /** Most octets. */
  readonly limit: number;
  /** One that the route takes, by media type. */
  readonly examples: Readonly<Record<string, string>>;
}

/** A body that is no JSON, decoded from UTF-8. */
export interface TextBody {
  /** One of the route's, in lower case, without parameters. */
  readonly mediaType: string;
  readonly text: string;
}

/** What is no JSON, whole or in pieces as they come. */
export type RawBody = string | Uint8Array | AsyncIterable<string | Uint8Array>;

/**
 * One line of the route table, from which come validation, types, the OpenAPI document, the client and the tests.
 * Paths have their parameters in braces. Errors that follow from security, parameters and body need not be listed.
 */
export interface Route {
  /** The operation's name in the document; unique. */
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: `/${string}`;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly security: Security;
  /** What an API key needs to be let in; default: `admin`. `session`: no key opens it. */
  readonly scope?: RouteScope;
  /** False where requests without a login are not counted (health, documentation). */
  readonly limited?: boolean;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** Request headers that mean something here, by their names in lower case; others are passed over. */
  readonly headers?: z.ZodObject;
  readonly body?: z.ZodObject;
  /** Instead of `body`; its handler reads what is in it. */
  readonly text?: TextInput;
  readonly answers: Readonly<Record<number, Answer>>;
  readonly errors?: readonly ErrorCode[];
}

/**
 * Who calls. `userId` and `sessionId` are null on the control socket, which speaks as the administrator. An API key
 * without the scope `admin` has the role `user`, whoever it belongs to.
 */
export interface Caller {
  readonly userId: string | null;
  readonly sessionId: string | null;
  readonly role: 'admin' | 'user';
  /** Where an API key was shown instead of a token. */
  readonly apiKey?: { readonly id: string; readonly scopes: readonly Scope[] };
}

/** What a handler may want to know of the request besides its validated input. */
export interface RequestFacts {
  readonly id: string;
  /** Address of the client, behind trusted proxies; null on the control socket. */
  readonly address: string | null;
  /** What the client calls itself. */
  readonly userAgent: string | null;
  /** Who calls, asked anew; null for whoever may not call this route any more. For answers that go on for long. */
  callerNow(): Promise<Caller | null>;
  /** True for whoever may become the first administrator without a token. */
  maySetUp(): boolean;
}

type Nothing = Readonly<Record<never, never>>;
type OutputOf<T> = T extends z.ZodType ? z.output<T> : Nothing;
export type Params<R extends Route> = R extends { params: infer S } ? OutputOf<S> : Nothing;
export type Query<R extends Route> = R extends { query: infer S } ? OutputOf<S> : Nothing;
export type Headers<R extends Route> = R extends { headers: infer S } ? OutputOf<S> : Nothing;
export type Body<R extends Route> = R extends { text: TextInput }
  ? TextBody
  : R extends { body: infer S }
    ? OutputOf<S>
    : Nothing;
type CallerOf<R extends Route> = R['security'] extends 'none'
  ? null
  : R['security'] extends 'optional'
    ? Caller | null
    : Caller;

export interface Input<R extends Route> {
  readonly params: Params<R>;
  readonly query: Query<R>;
  readonly headers: Headers<R>;
  readonly body: Body<R>;
  readonly caller: CallerOf<R>;
  readonly request: RequestFacts;
}

type HeadersWith<A> = A extends { etag: true }
  ? { readonly headers: Readonly<Record<string, string>> & { readonly etag: string } }
  : { readonly headers?: Readonly<Record<string, string>> };
type AnswerWith<S, A> = HeadersWith<A> &
  (A extends { schema: infer Z extends z.ZodType }
    ? { readonly status: S; readonly body: z.input<Z> }
    : A extends { mediaTypes: readonly string[] }
      ? { readonly status: S; readonly body: RawBody; readonly cut?: AbortSignal }
      : { readonly status: S; readonly body?: never });
/** One of the answers that the route declares. */
export type AnswerOf<R extends Route> = {
  [S in keyof R['answers']]: AnswerWith<S, R['answers'][S]>;
}[keyof R['answers']];
export type Handler<R extends Route> = (input: Input<R>) => Promise<AnswerOf<R>>;

/** An answer as the server sends it. */
export interface SentAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Cuts the connection while a body that is no JSON is being sent. */
  readonly cut?: AbortSignal;
}

/** Input as the server hands it over: let through by the route's schemas, of types that only the handler knows. */
export interface CheckedInput {
  readonly params: object;
  readonly query: object;
  readonly headers: object;
  readonly body: object;
  readonly caller: Caller | null;
  readonly request: RequestFacts;
}

/** A route with the function that answers it. */
export interface BoundRoute {
  readonly route: Route;
  handle(input: CheckedInput): Promise<SentAnswer>;
}

/** Keeps the literal types, so that handlers and the client know them. */
export const defineRoute = <const R extends Route>(route: R): R => route;

/**
 * Joins a route to its handler, in two steps so that the compiler knows the route when it looks at the handler. The
 * casts hold because the dispatcher validates by the same route's schemas.
 */
export const bind =
  <R extends Route>(route: R) =>
  (handler: Handler<R>): BoundRoute => ({
    route,
    handle: async (input) => (await handler(input as Input<R>)) as SentAnswer,
  });
