import { z } from 'zod';
import type { User } from '../../core/storage/ports/accounts.ts';
import { component } from '../components.ts';
import { idSchema, isoTime, limitSchema, timeSchema } from './fields.ts';

export const userSchema = component(
  'User',
  z.strictObject({
    id: idSchema,
    username: z.string(),
    email: z.string(),
    role: z.enum(['admin', 'user']),
    daily_quota: limitSchema,
    hourly_quota: limitSchema,
    domains: z.array(z.string()),
    enabled: z.boolean(),
    created_at: timeSchema,
    updated_at: timeSchema,
  }),
);

export const userView = (user: User): z.infer<typeof userSchema> => ({
  id: user.id,
  username: user.username,
  email: user.email,
  role: user.role,
  daily_quota: user.dailyQuota,
  hourly_quota: user.hourlyQuota,
  domains: [...user.domains],
  enabled: user.enabled,
  created_at: isoTime(user.createdAt),
  updated_at: isoTime(user.updatedAt),
});
