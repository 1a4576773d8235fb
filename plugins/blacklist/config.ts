import { z } from 'zod';
import { duration } from '../../core/config/units.ts';
import { parseNetwork } from '../../core/domain/ip-network.ts';

const network = z
  .string()
  .refine((text) => parseNetwork(text) !== null, 'expected an address or a network such as 192.0.2.0/24')
  .describe('Address or CIDR network, IPv4 or IPv6');

export const configSchema = z
  .strictObject({
    entries: z
      .array(
        z.strictObject({
          name: z.string().min(1),
          network,
          reason: z.string().min(1).max(200).default('listed by the operator').describe('Told to the client'),
          expires: z.iso
            .datetime({ offset: true })
            .optional()
            .describe('End, such as 2027-01-31T12:00:00Z; default: never'),
        }),
      )
      .default([])
      .describe('Refused besides those that are managed through the API'),
    auto_ban: z
      .strictObject({
        enabled: z.boolean().default(true),
        failed_logins: z.number().int().min(1).default(20).describe('Failed logins in the window before the ban'),
        refusals: z
          .number()
          .int()
          .min(1)
          .default(100)
          .describe('Mail transactions refused for good, without a login, in the window before the ban'),
        window: duration().prefault('1h'),
        duration: duration().prefault('1h').describe('How long a ban lasts'),
      })
      .prefault({})
      .describe('Adds offenders by itself, IPv6 clients by their /64'),
    protected: z
      .array(network)
      .default([])
      .describe('Never banned, by itself or by the API, as are loopback, own addresses and the gateway'),
  })
  .describe('Refuses clients by address');

export type BlacklistConfig = z.infer<typeof configSchema>;
