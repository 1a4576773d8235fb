import { uuidv7 } from 'uuidv7';
import type { z } from 'zod';
import type { User } from '../storage/ports/accounts.ts';
import type { newUserSchema } from './account-schemas.ts';

/** A user that is not stored yet. Without a role a plain user, without limits unlimited. */
export const newUser = (
  fields: Omit<z.output<typeof newUserSchema>, 'password'>,
  made: { readonly password: User['password']; readonly enabled: boolean; readonly at: number },
): User => ({
  id: uuidv7(),
  username: fields.username,
  email: fields.email,
  role: fields.role ?? 'user',
  password: made.password,
  dailyQuota: fields.daily_quota ?? null,
  hourlyQuota: fields.hourly_quota ?? null,
  domains: fields.domains ?? [],
  enabled: made.enabled,
  createdAt: made.at,
  updatedAt: made.at,
  deletedAt: null,
});
