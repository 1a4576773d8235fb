import { z } from 'zod';
import { newUserSchema } from '../../core/accounts/account-schemas.ts';
import type { AccountsService } from '../../core/accounts/accounts-service.ts';
import type { Accounts } from '../../core/storage/ports/accounts.ts';
import { component } from '../components.ts';
import { bind, defineRoute } from '../route.ts';
import { pageFields, pageOf, pageOptions } from './fields.ts';
import { livingPage } from './living-page.ts';
import { userSchema, userView } from './user-view.ts';

export const listUsers = defineRoute({
  id: 'listUsers',
  method: 'GET',
  path: '/api/users',
  tag: 'users',
  summary: 'All users',
  security: 'admin',
  query: z.strictObject({
    ...pageFields,
    username: z.string().min(1).max(63).optional(),
    email: z.string().min(1).max(320).optional(),
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
  body: newUserSchema.meta({
    examples: [{ username: 'shop', email: 'shop@example.com', password: 'correct horse battery', daily_quota: 5000 }],
  }),
  answers: { 201: { description: 'The user', schema: userSchema } },
  errors: ['CONFLICT', 'REGISTRATION_CLOSED', 'LOGIN_BUSY'],
});

export const userRoutes = [listUsers, createUser];

export function bindUsers({ accounts, accountsService }: { accounts: Accounts; accountsService: AccountsService }) {
  const named = async ({ username, email }: { username?: string | undefined; email?: string | undefined }) => {
    const found = [
      ...(username === undefined ? [] : [await accounts.userByUsername(username.toLowerCase())]),
      ...(email === undefined ? [] : [await accounts.userByEmail(email.toLowerCase())]),
    ];
    const [user = null, other = user] = found;
    return user === null || user.deletedAt !== null || other?.id !== user.id ? [] : [user];
  };

  return [
    bind(listUsers)(async ({ query }) => {
      const page =
        query.username === undefined && query.email === undefined
          ? await livingPage((options) => accounts.listUsers(options), pageOptions(query))
          : { items: await named(query), next: null };
      return { status: 200, body: { items: page.items.map(userView), next: page.next } };
    }),

    bind(createUser)(async ({ body }) => {
      // An administrator made before the set-up was done is the set-up: nobody else may claim it afterwards.
      if (body.role !== 'admin' || (await accounts.setupDone())) {
        return { status: 201, body: userView(await accountsService.createUser(body)) };
      }
      const { username, email, password, role: _, ...limits } = body;
      const first = await accountsService.createFirstAdministrator({ username, email, password });
      return { status: 201, body: userView(await accountsService.changeUser(first.id, limits)) };
    }),
  ];
}
