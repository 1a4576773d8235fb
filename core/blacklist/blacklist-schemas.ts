import { z } from 'zod';
import { networkSchema } from '../accounts/account-schemas.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
const oneLine = /^[^\x00-\x1f\x7f\u2028\u2029]*$/;

const blockedNetworkSchema = networkSchema.describe(
  'Address or CIDR network, IPv4 or IPv6; host bits are cleared, `::ffff:192.0.2.1` is `192.0.2.1`',
);

/** Told to the client that is refused. */
export const reasonSchema = z
  .string()
  .trim()
  .min(1, 'expected a reason')
  .max(200, 'expected at most 200 characters')
  .regex(oneLine, 'line breaks and control characters are not allowed')
  .describe('Told to the client that is refused');

/** Milliseconds since the epoch inside. */
export const endSchema = z.iso
  .datetime({ offset: true, message: 'expected a time such as 2027-01-31T12:00:00Z' })
  .transform((text) => Date.parse(text));

const expirySchema = endSchema.nullable().describe('When it ends; null: never');

export const newEntrySchema = z.strictObject({
  network: blockedNetworkSchema,
  reason: reasonSchema.default('listed by the operator'),
  expires_at: expirySchema.default(null),
});

export const entryChangeSchema = z.strictObject({
  network: blockedNetworkSchema.optional(),
  reason: reasonSchema.optional(),
  expires_at: expirySchema.optional(),
});

export type NewEntry = z.output<typeof newEntrySchema>;
export type EntryChange = z.output<typeof entryChangeSchema>;
