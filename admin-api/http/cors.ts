import type { Request, Response } from 'restify';

const methods = 'GET, HEAD, POST, PUT, PATCH, DELETE';
/** Request headers that routes take; a browser asks before it sends them. */
const requestHeaders = 'Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID';
/** Answer headers that a page may read besides the few that every page may. */
const exposedHeaders =
  'ETag, Idempotent-Replayed, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id';
/** How long a browser may remember what was allowed, in seconds. */
const maxAge = '600';

/**
 * Lets web pages of these origins call the API (Fetch standard, "CORS protocol"). Logins travel in a header that the
 * page sets, so credentials are never allowed, and origins are named one by one, never `*`. True where the request was
 * a preflight and is answered.
 */
export function crossOrigin(origins: readonly string[]): (request: Request, response: Response) => boolean {
  const allowed = new Set(origins);
  return (request, response) => {
    if (allowed.size === 0) return false;
    // Also where nothing is allowed: a cache must not show one origin's answer to another.
    response.setHeader('Vary', 'Origin');
    const { origin, 'access-control-request-method': asked } = request.headers;
    if (origin === undefined || !allowed.has(origin)) return false;
    response.setHeader('Access-Control-Allow-Origin', origin);
    if (request.method !== 'OPTIONS' || asked === undefined) {
      response.setHeader('Access-Control-Expose-Headers', exposedHeaders);
      return false;
    }
    response.setHeader('Vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers');
    response.setHeader('Access-Control-Allow-Methods', methods);
    response.setHeader('Access-Control-Allow-Headers', requestHeaders);
    response.setHeader('Access-Control-Max-Age', maxAge);
    response.writeHead(204);
    response.end();
    return true;
  };
}
