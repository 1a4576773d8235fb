import { uuidv7 } from 'uuidv7';
import { z } from 'zod';
import { registrationSchema } from '../../core/accounts/account-schemas.ts';
import type { AccountsService } from '../../core/accounts/accounts-service.ts';
import type { Clock } from '../../core/domain/clock.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { Accounts } from '../../core/storage/ports/accounts.ts';
import type { LoginThrottle } from '../auth/login-throttle.ts';
import { isSetUpToken } from '../auth/set-up.ts';
import type { Tokens } from '../auth/tokens.ts';
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

const loginSchema = component(
  'Login',
  z.strictObject({
    token: z.string().describe('Send as `Authorization: Bearer …`'),
    token_type: z.literal('Bearer'),
    expires_at: timeSchema,
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
  summary: 'Make this token worthless',
  security: 'user',
  answers: { 204: { description: 'Done' } },
});

export const getMe = defineRoute({
  id: 'getMe',
  method: 'GET',
  path: '/api/auth/me',
  tag: 'auth',
  summary: 'Who am I?',
  security: 'user',
  answers: { 200: { description: 'The account of this token', schema: userSchema } },
  errors: ['NOT_FOUND'],
});

export const authRoutes = [register, login, logout, getMe];

export interface AuthServices {
  readonly accounts: Accounts;
  readonly accountsService: AccountsService;
  readonly tokens: Tokens;
  readonly throttle: LoginThrottle;
  readonly clock: Clock;
  readonly settings: {
    readonly registration: 'open' | 'closed';
    readonly setupToken: string | undefined;
    readonly tokenTtl: number;
  };
}

const setUpRefused = () =>
  new SluiceError(
    'REGISTRATION_CLOSED',
    'the first account has to be made on the machine itself within an hour of the start (http://localhost, no proxy), by `sluice user add`, or with `setup_token` (SETUP_TOKEN)',
  );

export function bindAuth({ accounts, accountsService, tokens, throttle, clock, settings }: AuthServices) {
  return [
    bind(register)(async ({ body: { setup_token, ...registration }, request }) => {
      if (!(await accounts.setupDone())) {
        if (!request.maySetUp() && !isSetUpToken(settings.setupToken, setup_token)) throw setUpRefused();
        return { status: 201, body: userView(await accountsService.createFirstAdministrator(registration)) };
      }
      if (settings.registration === 'closed') {
        throw new SluiceError('REGISTRATION_CLOSED', 'ask an administrator for an account');
      }
      return { status: 201, body: userView(await accountsService.createUser(registration)) };
    }),

    bind(login)(async ({ body: { email, password }, request }) => {
      const succeeded = request.address === null ? null : await throttle.take(request.address, email);
      const user = await accountsService.authenticateUser(email, password);
      if (user === null) throw new SluiceError('LOGIN_FAILED', 'email or password is wrong');
      await succeeded?.();
      const now = clock.now();
      // Whole seconds, as a token has them.
      const expiresAt = Math.floor((now + settings.tokenTtl) / 1000) * 1000;
      const session = { id: uuidv7(), userId: user.id, createdAt: now, expiresAt, revokedAt: null };
      await accounts.insertSession(session);
      const token = await tokens.sign({ userId: user.id, sessionId: session.id }, expiresAt);
      return {
        status: 200,
        body: { token, token_type: 'Bearer', expires_at: isoTime(expiresAt), user: userView(user) },
      };
    }),

    bind(logout)(async ({ caller }) => {
      if (caller.sessionId !== null) await accounts.revokeSession(caller.sessionId, clock.now());
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
