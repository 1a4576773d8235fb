import type { oas31 } from 'openapi3-ts';
import { isCreation } from './http/idempotency.ts';
import type { Route } from './route.ts';

const text = { type: 'string' } as const;

/** Headers that answers of many routes carry, by their names; an ETag is declared by its route. */
export const answerHeaders: Readonly<Record<string, oas31.HeaderObject>> = {
  'X-Request-Id': { description: 'Stands in the log, and in the audit log, beside what the request did', schema: text },
  'RateLimit-Policy': {
    description: 'How many requests without a login are taken in which time (draft-ietf-httpapi-ratelimit-headers-10)',
    schema: text,
    example: '"unauthenticated";q=100;w=3600',
  },
  RateLimit: {
    description: 'How many are left (`r`), and for how many seconds (`t`)',
    schema: text,
    example: '"unauthenticated";r=99;t=3600',
  },
  'Retry-After': { description: 'Seconds until the next try makes sense', schema: { type: 'integer' } },
  'WWW-Authenticate': { description: 'What would be let in (RFC 6750)', schema: text },
  'Idempotent-Replayed': {
    description: '`true` where the answer is that of an earlier request with the same Idempotency-Key',
    schema: text,
  },
};

const reference = (name: string): oas31.ReferenceObject => ({ $ref: `#/components/headers/${name}` });

/** Of those the ones that an answer of this status may carry. */
export function sharedHeaders(route: Route, status: number): Record<string, oas31.ReferenceObject> {
  const names = ['X-Request-Id'];
  // Whoever is logged in is not counted: of what needs a login only the refusals of others are.
  const stranger =
    route.security === 'none' || route.security === 'optional' || status === 401 || status === 429 || status >= 500;
  if (route.limited !== false && stranger) names.push('RateLimit-Policy', 'RateLimit');
  if (status === 429) names.push('Retry-After');
  if (status === 401) names.push('WWW-Authenticate');
  if (status === 201 && isCreation(route)) names.push('Idempotent-Replayed');
  return Object.fromEntries(names.map((name) => [name, reference(name)]));
}
