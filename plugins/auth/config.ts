import { z } from 'zod';
import { duration } from '../../core/config/units.ts';

export const configSchema = z
  .strictObject({
    address: z
      .strictObject({
        failures: z.number().int().min(1).default(10).describe('Failed logins in the window before the lock'),
        window: duration().prefault('1m'),
        lock: duration().prefault('5m').describe('So long every login from there is refused'),
      })
      .prefault({})
      .describe('For each client address (IPv6: each /64)'),
    credential: z
      .strictObject({
        failures: z.number().int().min(1).default(20).describe('Failed logins in the window before the lock'),
        window: duration().prefault('15m'),
        lock: duration().prefault('15m').describe('So long only addresses that logged in with it before are admitted'),
        known_for: duration().prefault('30d').describe('How long ago such a login may be'),
      })
      .prefault({})
      .describe('For each username, whether it exists or not'),
    delay: z
      .strictObject({
        first: duration().prefault('500ms').describe('Wait before the first refusal; doubles with each failure'),
        most: duration().prefault('8s'),
      })
      .prefault({})
      .describe('Slows guessing from one address'),
  })
  .describe('Checks SMTP logins and slows, counts and locks out guessing');

export type AuthConfig = z.infer<typeof configSchema>;
