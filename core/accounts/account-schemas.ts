import { z } from 'zod';
import { normaliseDomain } from '../domain/domain-name.ts';
import { parseNetwork } from '../domain/ip-network.ts';

/*
 * What the API and the CLI take for users and credentials, in the API's own field names. The output is canonical:
 * lower-case names, domains as A-labels, networks as CIDR; lists without doubles.
 */

export const usernameSchema = z
  .string()
  .trim()
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9._-]{1,62})$/, 'expected 2 to 63 letters, digits, dots, hyphens or underscores')
  .toLowerCase()
  .describe('2 to 63 letters, digits, dots, hyphens or underscores; compared without case');

export const emailSchema = z
  .string()
  .trim()
  .max(320)
  .transform((text, context) => {
    const at = text.lastIndexOf('@');
    const domain = normaliseDomain(text.slice(at + 1));
    const address = z.email().safeParse(`${text.slice(0, Math.max(at, 0))}@${domain ?? ''}`.toLowerCase());
    if (domain !== null && address.success) return address.data;
    context.addIssue({ code: 'custom', message: 'expected an email address such as someone@example.com' });
    return z.NEVER;
  })
  .describe('Email address; compared without case');

/** People's own; machine-made secrets are never taken from outside. */
export const passwordSchema = z
  .string()
  .min(8, 'expected at least 8 characters')
  .max(1_024, 'expected at most 1,024 characters')
  .describe('At least 8 characters');

export const quotaSchema = z
  .int()
  .min(0)
  .max(1_000_000_000)
  .nullable()
  .describe('Recipients in the window; null: no limit, 0: nothing allowed');

export const domainSchema = z
  .string()
  .trim()
  .transform((text, context) => {
    const domain = normaliseDomain(text);
    if (domain !== null) return domain;
    context.addIssue({ code: 'custom', message: `"${text.slice(0, 80)}" is no domain name such as example.com` });
    return z.NEVER;
  });

export const networkProblem = (text: string): string =>
  `"${text.slice(0, 80)}" is no address and no network such as 192.0.2.0/24 or 2001:db8::/32`;

export const networkSchema = z
  .string()
  .trim()
  .transform((text, context) => {
    const network = parseNetwork(text);
    if (network !== null) return network.text;
    context.addIssue({ code: 'custom', message: networkProblem(text) });
    return z.NEVER;
  });

const unique = (list: readonly string[]): string[] => [...new Set(list)];

export const domainsSchema = z
  .array(domainSchema)
  .max(1_000)
  .transform(unique)
  .describe('Domains it may send from; empty: any');

export const networksSchema = z
  .array(networkSchema)
  .max(1_000)
  .transform(unique)
  .describe('Addresses and CIDR networks it may be used from; empty: any');

const userLimits = {
  daily_quota: quotaSchema.optional(),
  hourly_quota: quotaSchema.optional(),
  domains: domainsSchema.optional(),
};

/** What a person registers with. */
export const registrationSchema = z.strictObject({
  username: usernameSchema,
  email: emailSchema,
  password: passwordSchema,
});

/** A user made by an administrator. */
export const newUserSchema = z.strictObject({
  ...registrationSchema.shape,
  role: z.enum(['admin', 'user']).optional(),
  ...userLimits,
});

/** What an administrator may change of a user. */
export const userChangeSchema = z
  .strictObject({
    email: emailSchema,
    password: passwordSchema,
    role: z.enum(['admin', 'user']),
    enabled: z.boolean(),
    ...userLimits,
  })
  .partial();

const credentialSettings = {
  daily_quota: quotaSchema.optional(),
  hourly_quota: quotaSchema.optional(),
  over_limit: z.enum(['defer', 'reject']).describe('Over a quota: refuse for now (452) or for good (550)').optional(),
  domains: domainsSchema.optional(),
  networks: networksSchema.optional(),
  enabled: z.boolean().optional(),
};

export const credentialNameSchema = z.string().trim().min(1).max(100).describe('What it is for');

/** A new SMTP credential; left-out quotas get the configured defaults. Username and password are made, never given. */
export const newCredentialSchema = z.strictObject({ name: credentialNameSchema, ...credentialSettings });

export const credentialChangeSchema = z.strictObject({ name: credentialNameSchema.optional(), ...credentialSettings });

/** As given from outside, before validation. */
export type Registration = z.input<typeof registrationSchema>;
export type NewUser = z.input<typeof newUserSchema>;
export type UserChange = z.input<typeof userChangeSchema>;
export type NewCredential = z.input<typeof newCredentialSchema>;
export type CredentialChange = z.input<typeof credentialChangeSchema>;
