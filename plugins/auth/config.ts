import { z } from 'zod';
import { duration } from '../../core/config/units.ts';

export const configSchema = z
  .strictObject({
    address: z
      .strictObject({
        failures: z
          .number()
          .int()
          .min(1)
          .default(5)
          .describe(
            'Failed logins in the window before the lock; any span as long as the window sees at most twice as many',
          ),
        window: duration().prefault('1m'),
        lock: duration()
          .prefault('5m')
          .describe('So long only credentials are admitted that were used from there before'),
      })
      .prefault({})
      .describe('For each client address (IPv6: each /64)'),
    credential: z
      .strictObject({
        failures: z.number().int().min(1).default(20).describe('Failed logins in the window before the lock'),
        window: duration().prefault('15m'),
        lock: duration().prefault('15m').describe('So long only addresses that logged in with it before are admitted'),
      })
      .prefault({})
      .describe('For each username, whether it exists or not'),
    known_for: duration().prefault('30d').describe('How long ago an address has to have logged in to be known'),
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
