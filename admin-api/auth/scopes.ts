import { SluiceError } from '../../core/domain/errors.ts';
import type { Caller, Route } from '../route.ts';

/** What an API key can be good for. */
export const scopes = [
  'mail:read',
  'credentials:read',
  'credentials:write',
  'queue:read',
  'queue:write',
  'account:read',
  'webhooks:read',
  'webhooks:write',
  'admin',
] as const;
export type Scope = (typeof scopes)[number];
/** `session`: no API key is good for it. */
export type RouteScope = Scope | 'session';

/** The scope a route asks for; null where anybody may call. */
export function scopeOf(route: Route): RouteScope | null {
  if (route.security === 'none' || route.security === 'optional') return null;
  return route.scope ?? 'admin';
}

/** `admin` is all that its owner may do, `x:write` includes `x:read`. */
export const opens = (granted: readonly Scope[], wanted: Scope): boolean =>
  granted.includes('admin') ||
  granted.includes(wanted) ||
  (wanted.endsWith(':read') && granted.some((scope) => scope === wanted.replace(':read', ':write')));

/** Throws FORBIDDEN for an API key that is not good for this route. */
export function checkScope(caller: Caller, route: Route): void {
  const wanted = scopeOf(route);
  if (caller.apiKey === undefined || wanted === null) return;
  if (wanted === 'session') {
    throw new SluiceError('FORBIDDEN', 'no API key may do this; log in by POST /api/auth/login');
  }
  if (!opens(caller.apiKey.scopes, wanted)) {
    throw new SluiceError('FORBIDDEN', `this API key is not good for it: it lacks the scope ${wanted}`);
  }
}
