import type { Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';
import restify, { type Request, type Response, type Server, type ServerOptions } from 'restify';
import { uuidv7 } from 'uuidv7';
import { SluiceError } from '../../core/domain/errors.ts';
import type { Logger } from '../../core/observability/log.ts';
import { problemType, toProblem } from '../problem.ts';
import { discardBody } from './body.ts';
import { crossOrigin } from './cors.ts';
import { sendProblem } from './dispatch.ts';
import './restify-augmentation.ts';

/** Milliseconds. */
export interface HttpTimeouts {
  /** Until the whole head of a request is there, however slowly it drips in. */
  readonly headers: number;
  /** Until the whole request is there. */
  readonly request: number;
  readonly keepAlive: number;
}
export const defaultTimeouts: HttpTimeouts = { headers: 10_000, request: 30_000, keepAlive: 5_000 };

const mostConnections = 1_000;
const mostHeaders = 100;

const securityHeaders: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

/** Restify's type names bunyan, its code takes any logger of this shape: pino's, too. */
const restifyLog = (log: Logger) => log as unknown as NonNullable<ServerOptions['log']>;

/** Restify glues Host and target together before it looks for the path, so that a slash in Host would choose the route. */
const hostName = /^[\w.:[\]-]*$/;

/**
 * Runs before restify looks at the request. Its router throws, uncaught, on a Host header or target that is no URL,
 * and answers `OPTIONS *` by itself.
 */
function prepare({ closing, log, cors }: Pick<HttpServerOptions, 'closing' | 'log' | 'cors'>) {
  const answeredPreflight = crossOrigin(cors ?? []);
  return (request: Request, response: Response): boolean => {
    response.setHeader('X-Request-Id', uuidv7());
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
    if (closing()) response.setHeader('Connection', 'close');
    try {
      const readable = request.url !== '*' && hostName.test(request.headers.host ?? '');
      if (readable && request.getUrl() !== null) return !answeredPreflight(request, response);
    } catch {
      // Answered below.
    }
    const problem = toProblem(
      new SluiceError('REQUEST_UNREADABLE', 'the address or the Host header is not valid'),
      String(response.getHeader('x-request-id')),
    );
    log.debug({ request: problem.request_id }, 'API request without a readable address');
    response.writeHead(problem.status, { 'Content-Type': problemType });
    response.end(JSON.stringify(problem));
    discardBody(request);
    return false;
  };
}

/** What the parser refused never became a request; the answer is problem+json all the same. */
function refuseUnparsable(error: NodeJS.ErrnoException, socket: Socket): void {
  // Nothing can be said to a client with whom TLS was not agreed on.
  const unsecured = /^ERR_(?:SSL|TLS)_/.test(error.code ?? '');
  if (!socket.writable || unsecured || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const late = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const text = late ? 'the request did not arrive in time' : 'this is not a request of HTTP/1.1 within our limits';
  const id = uuidv7();
  const problem = JSON.stringify(toProblem(new SluiceError('REQUEST_UNREADABLE', text), id));
  const head = [
    'HTTP/1.1 400 Bad Request',
    `Content-Type: ${problemType}`,
    `Content-Length: ${Buffer.byteLength(problem)}`,
    'Connection: close',
    `X-Request-Id: ${id}`,
    ...Object.entries(securityHeaders).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${problem}`, () => socket.destroy());
}

/** Errors of restify's own: no such route, no such method, a static file that is not there. */
function routingError(error: unknown): SluiceError {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : 500;
  if (status === 405) return new SluiceError('METHOD_NOT_ALLOWED', 'see the Allow header for what can be done here');
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new SluiceError('NOT_FOUND', 'nothing is here; GET /openapi.json lists what there is');
  }
  return new SluiceError('INTERNAL', 'restify failed', { cause: error });
}

export interface HttpServerOptions {
  readonly log: Logger;
  readonly timeouts: HttpTimeouts;
  readonly closing: () => boolean;
  /** Origins of web pages that may call; default: none. */
  readonly cors?: readonly string[];
  /** HTTPS; the certificate is set before it listens. */
  readonly tls?: { readonly minimum_version: 'TLSv1.2' | 'TLSv1.3' } | undefined;
}

/** A restify server of which only routing and sending are used; hygiene, limits and errors are ours. */
export function createHttpServer(options: HttpServerOptions): Server {
  const { log, timeouts, tls } = options;
  const secure =
    tls === undefined
      ? {}
      : { httpsServerOptions: { minVersion: tls.minimum_version, handshakeTimeout: timeouts.headers } };
  const shared = { name: '', log: restifyLog(log), noWriteContinue: true, onceNext: true };
  const server = restify.createServer({ ...shared, ...secure });
  const http = server.server as HttpServer;
  Object.assign(http, {
    headersTimeout: timeouts.headers,
    requestTimeout: timeouts.request,
    keepAliveTimeout: timeouts.keepAlive,
    maxHeadersCount: mostHeaders,
    maxConnections: mostConnections,
    // Node looks for late requests this often; read when the server starts to listen.
    connectionsCheckingInterval: Math.min(1_000, timeouts.headers),
  });
  // Restify listens for upgrades and then forgets the socket; without a listener they are ordinary requests.
  http.removeAllListeners('upgrade');
  http.on('clientError', refuseUnparsable);
  server.first(prepare(options));
  server.on('restifyError', (request: Request, response: Response, error: unknown, done: () => void) => {
    sendProblem(request, response, routingError(error), log);
    done();
  });
  return server;
}
