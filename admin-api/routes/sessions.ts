import { z } from 'zod';
import { passwordSchema } from '../../core/accounts/account-schemas.ts';
import { auditEntry } from '../../core/accounts/audit-entries.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { User } from '../../core/storage/ports/accounts.ts';
import { auditOrigin } from '../auth/audit-origin.ts';
import { bind, type Caller, defineRoute } from '../route.ts';
import { type AuthServices, loginSchema, loginView } from './auth.ts';

export const refresh = defineRoute({
  id: 'refreshToken',
  method: 'POST',
  path: '/api/auth/refresh',
  tag: 'auth',
  summary: 'Exchange a refresh token for new tokens',
  description:
    'Each refresh token is good for one exchange. One that is shown a second time was copied: the whole login ends, and all of its tokens with it.',
  security: 'none',
  body: z
    .strictObject({ refresh_token: z.string().min(1).max(200) })
    .meta({ examples: [{ refresh_token: 'refresh_…' }] }),
  answers: { 200: { description: 'New tokens', schema: loginSchema } },
  errors: ['UNAUTHENTICATED'],
});

export const logoutAll = defineRoute({
  id: 'logoutAll',
  method: 'POST',
  path: '/api/auth/logout-all',
  tag: 'auth',
  summary: 'End all of one’s logins, this one too',
  description: 'API keys go on: `DELETE /api/api-keys/{id}`.',
  security: 'user',
  scope: 'session',
  answers: { 200: { description: 'Done', schema: z.strictObject({ sessions: z.int().describe('Logins ended') }) } },
  errors: ['NOT_FOUND'],
});

export const changePassword = defineRoute({
  id: 'changePassword',
  method: 'POST',
  path: '/api/auth/change-password',
  tag: 'auth',
  summary: 'Change one’s password; all other logins end',
  security: 'user',
  scope: 'session',
  body: z
    .strictObject({ current_password: z.string().min(1).max(1_024), new_password: passwordSchema })
    .meta({ examples: [{ current_password: 'password123', new_password: 'correct horse battery staple' }] }),
  answers: { 204: { description: 'Done' } },
  errors: ['FORBIDDEN', 'LOGIN_BUSY', 'NOT_FOUND'],
});

export const sessionRoutes = [refresh, logoutAll, changePassword];

export function bindSessions(services: AuthServices) {
  const { accounts, accountsService, apiAccess, sessions, throttle, failedLogins, clock } = services;

  const own = async ({ userId }: Caller): Promise<User> => {
    const user = userId === null ? null : await accounts.user(userId);
    if (user === null) throw new SluiceError('NOT_FOUND', 'the control socket speaks as administrator, not as a user');
    return user;
  };

  return [
    bind(refresh)(async ({ body }) => ({ status: 200, body: loginView(await sessions.refresh(body.refresh_token)) })),

    bind(logoutAll)(async ({ caller, request }) => {
      const { id } = await own(caller);
      const at = clock.now();
      const by = auditOrigin(caller, request);
      const subject = { kind: 'user', id };
      const audit = auditEntry({ by, at, action: 'user.logout-all', subject, before: null, after: null });
      return { status: 200, body: { sessions: await apiAccess.revokeSessions(id, at, { audit }) } };
    }),

    bind(changePassword)(async ({ caller, body, request }) => {
      const user = await own(caller);
      // Whoever stole a token must not find out the password by it.
      const succeeded = request.address === null ? null : await throttle.take(request.address, user.email);
      if ((await accountsService.authenticateUser(user.email, body.current_password)) === null) {
        await failedLogins.record(user.email, caller, request);
        throw new SluiceError('FORBIDDEN', 'the current password is wrong');
      }
      await succeeded?.();
      await accountsService.changeUser(
        user.id,
        { password: body.new_password },
        { by: auditOrigin(caller, request), ...(caller.sessionId === null ? {} : { keepSession: caller.sessionId }) },
      );
      return { status: 204 };
    }),
  ];
}
