import { z } from 'zod';
import { newUserSchema, userChangeSchema } from '../../core/accounts/account-schemas.ts';
import type { AccountsService } from '../../core/accounts/accounts-service.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { Accounts, User } from '../../core/storage/ports/accounts.ts';
import { auditOrigin } from '../auth/audit-origin.ts';
import { visibleOnly } from '../auth/visibility.ts';
import { component } from '../components.ts';
import { expectedVersion, versionErrors, versionHeaders, versionOf } from '../http/version.ts';
import { bind, type Caller, defineRoute } from '../route.ts';
import {
  flagSchema,
  given,
  idParams,
  pageFields,
  pageOf,
  pageOptions,
  searchSchema,
  sortOptions,
  sortSchema,
} from './fields.ts';
import { userSchema, userView } from './user-view.ts';

export const listUsers = defineRoute({
  id: 'listUsers',
  method: 'GET',
  path: '/api/users',
  tag: 'users',
  summary: 'All users',
  security: 'admin',
  scope: 'admin',
  query: z.strictObject({
    ...pageFields,
    username: z.string().min(1).max(63).optional().describe('Exactly this one; other filters are passed over'),
    email: z.string().min(1).max(320).optional().describe('Exactly this one; other filters are passed over'),
    search: searchSchema.describe('Part of username or email'),
    role: z.enum(['admin', 'user']).optional().describe('Only those with this role'),
    enabled: flagSchema.optional().describe('Only those that are on, or off'),
    sort: sortSchema(['created_at', 'username', 'email']),
  }),
  answers: { 200: { description: 'A page of users', schema: component('UserPage', pageOf(userSchema)) } },
});

export const createUser = defineRoute({
  id: 'createUser',
  method: 'POST',
  path: '/api/users',
  tag: 'users',
  summary: 'Make a user',
  security: 'admin',
  scope: 'admin',
  body: newUserSchema.meta({
    examples: [{ username: 'shop', email: 'shop@example.com', password: 'correct horse battery', daily_quota: 5000 }],
  }),
  answers: { 201: { description: 'The user', schema: userSchema, etag: true } },
  errors: ['CONFLICT', 'REGISTRATION_CLOSED', 'LOGIN_BUSY'],
});

export const getUser = defineRoute({
  id: 'getUser',
  method: 'GET',
  path: '/api/users/{id}',
  tag: 'users',
  summary: 'One user',
  security: 'user',
  scope: 'account:read',
  params: idParams,
  answers: { 200: { description: 'The user', schema: userSchema, etag: true } },
  errors: ['NOT_FOUND'],
});

export const changeUser = defineRoute({
  id: 'changeUser',
  method: 'PATCH',
  path: '/api/users/{id}',
  tag: 'users',
  summary: 'Change role, limits, domains, email, password, on/off; what is left out stays',
  description: 'A new password, or `enabled: false`, ends all of the user’s logins.',
  security: 'admin',
  scope: 'admin',
  params: idParams,
  headers: versionHeaders,
  body: userChangeSchema.meta({ examples: [{ daily_quota: 5000, enabled: true }] }),
  answers: { 200: { description: 'The user as it is now', schema: userSchema, etag: true } },
  errors: ['NOT_FOUND', 'CONFLICT', 'LOGIN_BUSY', ...versionErrors],
});

export const deleteUser = defineRoute({
  id: 'deleteUser',
  method: 'DELETE',
  path: '/api/users/{id}',
  tag: 'users',
  summary: 'Delete a user; logins and credentials stop working, mail already accepted goes on',
  description: 'Username and email stay taken. Nobody deletes themselves.',
  security: 'admin',
  scope: 'admin',
  params: idParams,
  answers: { 204: { description: 'Deleted' } },
  errors: ['NOT_FOUND', 'CONFLICT'],
});

export const userRoutes = [listUsers, createUser, getUser, changeUser, deleteUser];

export function bindUsers({ accounts, accountsService }: { accounts: Accounts; accountsService: AccountsService }) {
  const named = async ({ username, email }: { username?: string | undefined; email?: string | undefined }) => {
    const found = [
      ...(username === undefined ? [] : [await accounts.userByUsername(username.toLowerCase())]),
      ...(email === undefined ? [] : [await accounts.userByEmail(email.toLowerCase())]),
    ];
    const [user = null, other = user] = found;
    return user === null || user.deletedAt !== null || other?.id !== user.id ? [] : [user];
  };

  const visible = visibleOnly(
    'user',
    (id) => accounts.user(id),
    ({ id }) => id,
  );

  /** Whoever locks the last door behind themselves needs somebody at the machine to open it. */
  const refuseOnSelf = (caller: Caller, id: string, what: string) => {
    if (caller.userId === id) throw new SluiceError('CONFLICT', `nobody ${what} themselves; ask another administrator`);
  };

  return [
    bind(listUsers)(async ({ query }) => {
      const page =
        query.username === undefined && query.email === undefined
          ? await accounts.listUsers({
              ...pageOptions(query),
              ...sortOptions(query.sort),
              ...given({ role: query.role, enabled: query.enabled, search: query.search }),
              living: true,
            })
          : { items: await named(query), next: null };
      return { status: 200, body: { items: page.items.map(userView), next: page.next } };
    }),

    bind(createUser)(async ({ caller, body, request }) => {
      const by = auditOrigin(caller, request);
      const created = (user: User) => ({ status: 201, body: userView(user), headers: versionOf(user) }) as const;
      // An administrator made before the set-up was done is the set-up: nobody else may claim it afterwards.
      if (body.role !== 'admin' || (await accounts.setupDone())) {
        return created(await accountsService.createUser(body, by));
      }
      const { username, email, password, role: _, ...limits } = body;
      const first = await accountsService.createFirstAdministrator({ username, email, password }, by);
      return created(await accountsService.changeUser(first.id, limits, { by }));
    }),

    bind(getUser)(async ({ caller, params }) => {
      const user = await visible(caller, params.id);
      return { status: 200, body: userView(user), headers: versionOf(user) };
    }),

    bind(changeUser)(async ({ caller, params, headers, body, request }) => {
      const version = expectedVersion(headers, await visible(caller, params.id));
      if (body.role === 'user') refuseOnSelf(caller, params.id, 'takes the administrator’s role from');
      if (body.enabled === false) refuseOnSelf(caller, params.id, 'switches off');
      const user = await accountsService.changeUser(params.id, body, {
        by: auditOrigin(caller, request),
        ...version,
        ...(caller.userId === params.id && caller.sessionId !== null ? { keepSession: caller.sessionId } : {}),
      });
      return { status: 200, body: userView(user), headers: versionOf(user) };
    }),

    bind(deleteUser)(async ({ caller, params, request }) => {
      await visible(caller, params.id);
      refuseOnSelf(caller, params.id, 'deletes');
      await accountsService.deleteUser(params.id, { by: auditOrigin(caller, request) });
      return { status: 204 };
    }),
  ];
}
