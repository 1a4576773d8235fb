import { z } from 'zod';
import { duration } from '../../core/config/units.ts';
import { parseNetwork } from '../../core/domain/ip-network.ts';

const rateSchema = z.strictObject({
  limit: z.number().int().min(0).describe('Most in the window; 0: nothing allowed'),
  window: duration().prefault('1m'),
});
const rate = (what: string) => rateSchema.nullable().default(null).describe(`${what}; null: no limit`);

const perLogin = {
  commands: rate('SMTP commands'),
  messages: rate('Messages begun (MAIL)'),
  recipients: rate('Recipients offered (RCPT)'),
};

export const configSchema = z
  .strictObject({
    address: z
      .strictObject({
        connections: rateSchema
          .nullable()
          .default({ limit: 6_000, window: 60_000 })
          .describe('Connections; null: no limit'),
        ...perLogin,
      })
      .prefault({})
      .describe('Of each client address (IPv6: each /64)'),
    credential: z.strictObject(perLogin).prefault({}).describe('Of each SMTP credential'),
    user: z
      .strictObject(perLogin)
      .prefault({})
      .describe('Of all credentials of a user, or a trusted network, together'),
    exempt: z
      .array(
        z
          .string()
          .refine((text) => parseNetwork(text) !== null, 'expected an address or a network such as 192.0.2.0/24'),
      )
      .default([])
      .describe('Addresses and CIDR networks that the limits of `address` do not touch'),
  })
  .describe('Limits on rates, counted in memory; for limits that outlive a restart see the plugin `quota`');

export type RateLimitConfig = z.infer<typeof configSchema>;
export type Rate = z.infer<typeof rateSchema>;
