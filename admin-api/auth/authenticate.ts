import { isApiKey } from '../../core/accounts/credential-generator.ts';
import type { Seals } from '../../core/accounts/seals.ts';
import type { Clock } from '../../core/domain/clock.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { Accounts, User } from '../../core/storage/ports/accounts.ts';
import type { ApiAccess } from '../../core/storage/ports/api-access.ts';
import type { Caller } from '../route.ts';
import { scopes } from './scopes.ts';
import type { Tokens } from './tokens.ts';

/** Finds out who calls, from the Authorization header. */
export type Authenticate = (authorization: string | undefined) => Promise<Caller | null>;

const loginAgain = () =>
  new SluiceError('UNAUTHENTICATED', 'the token is not valid or no longer so; get one by POST /api/auth/login');

const isUsable = (user: User | null): user is User => user?.enabled === true && user.deletedAt === null;

/**
 * Session, key and user are read from the store at each request, so that logout, revocation, expiry, disabling and a
 * changed role hold at once. Answers null without a header; rejects with UNAUTHENTICATED for one that is not good.
 */
export function bearerAuthentication(options: {
  tokens: Tokens;
  accounts: Accounts;
  apiAccess: ApiAccess;
  seals: Seals;
  clock: Clock;
}): Authenticate {
  const { tokens, accounts, apiAccess, seals, clock } = options;

  const byToken = async (token: string): Promise<Caller> => {
    const claims = await tokens.verify(token);
    if (claims === null) throw loginAgain();
    const [session, user] = await Promise.all([apiAccess.session(claims.sessionId), accounts.user(claims.userId)]);
    if (session === null || session.userId !== claims.userId) throw loginAgain();
    const now = clock.now();
    if (session.revokedAt !== null || session.expiresAt <= now) throw loginAgain();
    if (!isUsable(user)) throw loginAgain();
    apiAccess.touchSession(session.id, now);
    return { userId: user.id, sessionId: session.id, role: user.role };
  };

  const byApiKey = async (text: string): Promise<Caller> => {
    const key = await apiAccess.apiKeyByFingerprint(seals.fingerprint('api-key', text));
    if (key === null || key.revokedAt !== null) throw loginAgain();
    const now = clock.now();
    if (key.expiresAt !== null && key.expiresAt <= now) throw loginAgain();
    const user = await accounts.user(key.ownerId);
    if (!isUsable(user)) throw loginAgain();
    apiAccess.touchApiKey(key.id, now);
    const granted = scopes.filter((scope) => key.scopes.includes(scope));
    const role = granted.includes('admin') ? user.role : 'user';
    return { userId: user.id, sessionId: null, role, apiKey: { id: key.id, scopes: granted } };
  };

  return async (authorization) => {
    if (authorization === undefined) return null;
    const shown = /^Bearer +([\w.-]+)$/i.exec(authorization)?.[1];
    if (shown === undefined) throw loginAgain();
    return isApiKey(shown) ? await byApiKey(shown) : await byToken(shown);
  };
}

/** On the control socket: the file's permissions are the login. */
export const controlSocketAuthentication: Authenticate = async () => ({ userId: null, sessionId: null, role: 'admin' });
