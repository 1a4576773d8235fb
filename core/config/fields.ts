import { z } from 'zod';
import { parseNetwork } from '../domain/ip-network.ts';

/* Fields that several parts of the configuration have. */

export const port = z.number().int().min(0).max(65_535);
const isNetwork = 'an address or CIDR network such as 192.0.2.0/24 or 2001:db8::/32';

export const network = z
  .string()
  .refine((text) => parseNetwork(text) !== null, `expected ${isNetwork}`)
  .meta({ expected: isNetwork });

export const secret = (description: string, env?: string) =>
  z
    .string()
    .min(1)
    .optional()
    .describe(description)
    .meta({ secret: true, ...(env === undefined ? {} : { env }) });
