import type { Clock } from '../../core/domain/clock.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { Accounts } from '../../core/storage/ports/accounts.ts';
import type { Caller } from '../route.ts';
import type { Tokens } from './tokens.ts';

/** Finds out who calls, from the Authorization header. */
export type Authenticate = (authorization: string | undefined) => Promise<Caller | null>;

const loginAgain = () =>
  new SluiceError('UNAUTHENTICATED', 'the token is not valid or no longer so; get one by POST /api/auth/login');

/**
 * Session and user are read from the store at each request, so that logout, expiry, disabling and a changed role hold
 * at once. Answers null without a header; rejects with UNAUTHENTICATED for one that is not good.
 */
export function bearerAuthentication(options: { tokens: Tokens; accounts: Accounts; clock: Clock }): Authenticate {
  const { tokens, accounts, clock } = options;
  return async (authorization) => {
    if (authorization === undefined) return null;
    const token = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization)?.[1];
    const claims = token === undefined ? null : await tokens.verify(token);
    if (claims === null) throw loginAgain();
    const [session, user] = await Promise.all([accounts.session(claims.sessionId), accounts.user(claims.userId)]);
    if (session === null || session.userId !== claims.userId) throw loginAgain();
    if (session.revokedAt !== null || session.expiresAt <= clock.now()) throw loginAgain();
    if (user === null || !user.enabled || user.deletedAt !== null) throw loginAgain();
    return { userId: user.id, sessionId: session.id, role: user.role };
  };
}

/** On the control socket: the file's permissions are the login. */
export const controlSocketAuthentication: Authenticate = async () => ({ userId: null, sessionId: null, role: 'admin' });
