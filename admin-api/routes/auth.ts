import { z } from 'zod';
import { registrationSchema } from '../../core/accounts/account-schemas.ts';
import type { AccountsService } from '../../core/accounts/accounts-service.ts';
import { auditEntry } from '../../core/accounts/audit-entries.ts';
import type { Clock } from '../../core/domain/clock.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { Accounts } from '../../core/storage/ports/accounts.ts';
import type { ApiAccess } from '../../core/storage/ports/api-access.ts';
import type { ApiSessions, IssuedTokens } from '../auth/api-sessions.ts';
import { auditOrigin } from '../auth/audit-origin.ts';
import type { FailedLogins } from '../auth/failed-logins.ts';
import type { LoginThrottle } from '../auth/login-throttle.ts';
import { isSetUpToken } from '../auth/set-up.ts';
import { component } from '../components.ts';
import { bind, defineRoute } from '../route.ts';
import { isoTime, timeSchema } from './fields.ts';
import { userSchema, userView } from './user-view.ts';

export const register = defineRoute({
  id: 'register',
  method: 'POST',
  path: '/api/auth/register',
  tag: 'auth',
  summary: 'Make an account; the first one is the administrator’s',
  description:
    'The very first account becomes the administrator if the request comes straight from a set-up network (default: this machine) within an hour of the start, or shows `setup_token`. After it, registration is closed unless `api.registration` is `open`.',
  security: 'none',
  body: registrationSchema
    .extend({ setup_token: z.string().min(1).max(1_024).optional().describe('SETUP_TOKEN, for the first account') })
    .meta({ examples: [{ username: 'testuser', email: 'test@example.com', password: 'password123' }] }),
  answers: { 201: { description: 'The account', schema: userSchema } },
  errors: ['CONFLICT', 'REGISTRATION_CLOSED', 'LOGIN_BUSY'],
});

export const loginSchema = component(
  'Login',
  z.strictObject({
    token: z.string().describe('Send as `Authorization: Bearer …`'),
    token_type: z.literal('Bearer'),
    expires_at: timeSchema,
    refresh_token: z.string().describe('Good for one `POST /api/auth/refresh`'),
    refresh_expires_at: timeSchema,
    user: userSchema,
  }),
);

export const login = defineRoute({
  id: 'login',
  method: 'POST',
  path: '/api/auth/login',
  tag: 'auth',
  summary: 'Get an access token for email and password',
  security: 'none',
  body: z
    .strictObject({ email: z.string().min(1).max(320), password: z.string().min(1).max(1_024) })
    .meta({ examples: [{ email: 'test@example.com', password: 'password123' }] }),
  answers: { 200: { description: 'The token', schema: loginSchema } },
  errors: ['LOGIN_FAILED', 'LOGIN_BUSY'],
});

export const logout = defineRoute({
  id: 'logout',
  method: 'POST',
  path: '/api/auth/logout',
  tag: 'auth',
  summary: 'End this login: its tokens are worthless from now on',
  security: 'user',
  scope: 'session',
  answers: { 204: { description: 'Done' } },
});

export const getMe = defineRoute({
  id: 'getMe',
  method: 'GET',
  path: '/api/auth/me',
  tag: 'auth',
  summary: 'Who am I?',
  security: 'user',
  scope: 'account:read',
  answers: { 200: { description: 'The account of this token', schema: userSchema } },
  errors: ['NOT_FOUND'],
});

export const authRoutes = [register, login, logout, getMe];

export interface AuthServices {
  readonly accounts: Accounts;
  readonly apiAccess: ApiAccess;
  readonly accountsService: AccountsService;
  readonly sessions: ApiSessions;
  readonly throttle: LoginThrottle;
  readonly failedLogins: FailedLogins;
  readonly clock: Clock;
  readonly settings: {
    readonly registration: 'open' | 'closed';
    readonly setupToken: string | undefined;
  };
}

const setUpRefused = () =>
  new SluiceError(
    'REGISTRATION_CLOSED',
    'the first account has to be made on the machine itself within an hour of the start (http://localhost, no proxy), by `sluice user add`, or with `setup_token` (SETUP_TOKEN)',
  );

/** Tokens as the client gets them. */
export const loginView = (issued: IssuedTokens): z.input<typeof loginSchema> => ({
  token: issued.token,
  token_type: 'Bearer',
  expires_at: isoTime(issued.expiresAt),
  refresh_token: issued.refreshToken,
  refresh_expires_at: isoTime(issued.refreshExpiresAt),
  user: userView(issued.user),
});

export function bindAuth(services: AuthServices) {
  const { accounts, accountsService, apiAccess, sessions, throttle, failedLogins, clock, settings } = services;
  return [
    bind(register)(async ({ body: { setup_token, ...registration }, request }) => {
      const by = auditOrigin(null, request);
      if (!(await accounts.setupDone())) {
        if (!request.maySetUp() && !isSetUpToken(settings.setupToken, setup_token)) throw setUpRefused();
        return { status: 201, body: userView(await accountsService.createFirstAdministrator(registration, by)) };
      }
      if (settings.registration === 'closed') {
        throw new SluiceError('REGISTRATION_CLOSED', 'ask an administrator for an account');
      }
      return { status: 201, body: userView(await accountsService.createUser(registration, by)) };
    }),

    bind(login)(async ({ body: { email, password }, request }) => {
      const succeeded = request.address === null ? null : await throttle.take(request.address, email);
      const user = await accountsService.authenticateUser(email, password);
      if (user === null) {
        await failedLogins.record(email, null, request);
        throw new SluiceError('LOGIN_FAILED', 'email or password is wrong');
      }
      await succeeded?.();
      return { status: 200, body: loginView(await sessions.start(user, request)) };
    }),

    bind(logout)(async ({ caller, request }) => {
      const { userId, sessionId } = caller;
      if (userId === null || sessionId === null) return { status: 204 };
      const at = clock.now();
      const by = auditOrigin(caller, request);
      const change = { by, at, action: 'user.logout', subject: { kind: 'user', id: userId } };
      const audit = auditEntry({ ...change, before: null, after: { session_id: sessionId } });
      await apiAccess.revokeSession(sessionId, at, audit);
      return { status: 204 };
    }),

    bind(getMe)(async ({ caller }) => {
      const user = caller.userId === null ? null : await accounts.user(caller.userId);
      if (user === null)
        throw new SluiceError('NOT_FOUND', 'the control socket speaks as administrator, not as a user');
      return { status: 200, body: userView(user) };
    }),
  ];
}
