import { z } from 'zod';
import { isTimeZone } from '../../core/domain/time-zone.ts';

const quota = z.number().int().min(0).nullable();

export const configSchema = z
  .strictObject({
    time_zone: z
      .string()
      .refine(isTimeZone, 'expected the name of a time zone such as UTC or Europe/Berlin')
      .default('UTC')
      .describe('Daily quotas begin at midnight of this time zone; hourly ones always on the full hour of UTC'),
    networks: z
      .array(
        z.strictObject({
          name: z.string().min(1).describe('Name of a trusted network of a listener'),
          daily_quota: quota.default(null).describe('Recipients a day; null: no limit, 0: nothing allowed'),
          hourly_quota: quota.default(null).describe('Recipients an hour; null: no limit, 0: nothing allowed'),
          over_limit: z.enum(['defer', 'reject']).default('defer').describe('Refuse for now (452) or for good (550)'),
        }),
      )
      .default([])
      .describe('Limits of mail that trusted networks send without a login; a network not listed has none'),
  })
  .describe('Quotas in recipients. Those of credentials and users are set with them, by API or command line.');

export type QuotaConfig = z.infer<typeof configSchema>;
