import { z } from 'zod';
import { auditEntry } from '../../core/accounts/audit-entries.ts';
import type { Clock } from '../../core/domain/clock.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { Accounts } from '../../core/storage/ports/accounts.ts';
import type { ApiAccess, ApiSession } from '../../core/storage/ports/api-access.ts';
import { auditOrigin } from '../auth/audit-origin.ts';
import { visibleOnly } from '../auth/visibility.ts';
import { component } from '../components.ts';
import { bind, type Caller, defineRoute } from '../route.ts';
import { idParams, idSchema, isoTime, pageFields, pageOf, pageOptions, timeSchema } from './fields.ts';

const sessionSchema = component(
  'Session',
  z.strictObject({
    id: idSchema,
    created_at: timeSchema.describe('When the login was'),
    last_used_at: timeSchema.describe('To the minute'),
    expires_at: timeSchema.describe('Unless it is refreshed'),
    address: z.string().nullable().describe('Where the login came from; null: the control socket'),
    user_agent: z.string().nullable().describe('What the client called itself at the login'),
    current: z.boolean().describe('True for the login of this request'),
  }),
);
const pageSchema = component('SessionPage', pageOf(sessionSchema));

export const listSessions = defineRoute({
  id: 'listSessions',
  method: 'GET',
  path: '/api/auth/sessions',
  tag: 'auth',
  summary: 'Where one is logged in, the newest login first',
  security: 'user',
  scope: 'session',
  query: z.strictObject(pageFields),
  answers: { 200: { description: 'A page of logins that are not over', schema: pageSchema } },
  errors: ['NOT_FOUND'],
});

export const endSession = defineRoute({
  id: 'endSession',
  method: 'DELETE',
  path: '/api/auth/sessions/{id}',
  tag: 'auth',
  summary: 'End a login: its tokens are worthless from now on',
  security: 'user',
  scope: 'session',
  params: idParams,
  answers: { 204: { description: 'Done, or it was over before' } },
  errors: ['NOT_FOUND'],
});

export const listUserSessions = defineRoute({
  id: 'listUserSessions',
  method: 'GET',
  path: '/api/users/{id}/sessions',
  tag: 'users',
  summary: 'Where a user is logged in, the newest login first',
  security: 'admin',
  scope: 'admin',
  params: idParams,
  query: z.strictObject(pageFields),
  answers: { 200: { description: 'A page of logins that are not over', schema: pageSchema } },
  errors: ['NOT_FOUND'],
});

export const endUserSessions = defineRoute({
  id: 'endUserSessions',
  method: 'DELETE',
  path: '/api/users/{id}/sessions',
  tag: 'users',
  summary: 'End all logins of a user; API keys and SMTP credentials go on',
  security: 'admin',
  scope: 'admin',
  params: idParams,
  answers: { 200: { description: 'Done', schema: z.strictObject({ sessions: z.int().describe('Logins ended') }) } },
  errors: ['NOT_FOUND'],
});

export const activeSessionRoutes = [listSessions, endSession, listUserSessions, endUserSessions];

const sessionView = (session: ApiSession, caller: Caller): z.input<typeof sessionSchema> => ({
  id: session.id,
  created_at: isoTime(session.createdAt),
  last_used_at: isoTime(session.lastUsedAt),
  expires_at: isoTime(session.expiresAt),
  address: session.address,
  user_agent: session.userAgent,
  current: session.id === caller.sessionId,
});

export function bindActiveSessions(services: { accounts: Accounts; apiAccess: ApiAccess; clock: Clock }) {
  const { accounts, apiAccess, clock } = services;

  const page = async (userId: string, caller: Caller, query: { limit: number; cursor?: string | undefined }) => {
    const found = await apiAccess.listSessions({ userId, at: clock.now(), ...pageOptions(query) });
    return { items: found.items.map((session) => sessionView(session, caller)), next: found.next };
  };

  const visible = visibleOnly(
    'login',
    (id) => apiAccess.session(id),
    ({ userId }) => userId,
  );

  const existing = async (id: string): Promise<string> => {
    if ((await accounts.user(id))?.deletedAt === null) return id;
    throw new SluiceError('NOT_FOUND', 'there is no such user');
  };

  return [
    bind(listSessions)(async ({ caller, query }) => {
      if (caller.userId === null) {
        throw new SluiceError('NOT_FOUND', 'the control socket speaks as administrator, not as a user');
      }
      return { status: 200, body: await page(caller.userId, caller, query) };
    }),

    bind(endSession)(async ({ caller, params, request }) => {
      const session = await visible(caller, params.id);
      const at = clock.now();
      const audit = auditEntry({
        by: auditOrigin(caller, request),
        at,
        action: 'user.logout',
        subject: { kind: 'user', id: session.userId },
        before: null,
        after: { session_id: session.id },
      });
      await apiAccess.revokeSession(session.id, at, audit);
      return { status: 204 };
    }),

    bind(listUserSessions)(async ({ caller, params, query }) => ({
      status: 200,
      body: await page(await existing(params.id), caller, query),
    })),

    bind(endUserSessions)(async ({ caller, params, request }) => {
      const id = await existing(params.id);
      const at = clock.now();
      const by = auditOrigin(caller, request);
      const subject = { kind: 'user', id };
      const audit = auditEntry({ by, at, action: 'user.logout-all', subject, before: null, after: null });
      return { status: 200, body: { sessions: await apiAccess.revokeSessions(id, at, { audit }) } };
    }),
  ];
}
