import { z } from 'zod';
import { credentialChangeSchema, newCredentialSchema } from '../../core/accounts/account-schemas.ts';
import type { AccountsService, IssuedCredential } from '../../core/accounts/accounts-service.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { Accounts, SmtpCredential } from '../../core/storage/ports/accounts.ts';
import { auditOrigin } from '../auth/audit-origin.ts';
import { ownerFilter, visibleOnly } from '../auth/visibility.ts';
import { component } from '../components.ts';
import { expectedVersion, versionErrors, versionHeaders, versionOf } from '../http/version.ts';
import { bind, defineRoute } from '../route.ts';
import {
  flagSchema,
  given,
  idParams,
  idSchema,
  instantSchema,
  isoTime,
  isoTimeOrNull,
  limitSchema,
  lineSchema,
  pageFields,
  pageOf,
  pageOptions,
  searchSchema,
  sortOptions,
  sortSchema,
  timeSchema,
} from './fields.ts';

const credentialFields = {
  id: idSchema,
  owner_id: idSchema,
  name: z.string(),
  username: z.string().describe('What the application logs in to SMTP as'),
  daily_quota: limitSchema,
  hourly_quota: limitSchema,
  over_limit: z.enum(['defer', 'reject']),
  domains: z.array(z.string()).describe('Domains it may send from; empty: any'),
  networks: z.array(z.string()).describe('Networks it may be used from; empty: any'),
  enabled: z.boolean(),
  created_at: timeSchema,
  updated_at: timeSchema,
  last_used_at: timeSchema.nullable(),
};
const credentialSchema = component('SmtpCredential', z.strictObject(credentialFields));
const issuedSchema = component(
  'IssuedSmtpCredential',
  z.strictObject({ ...credentialFields, password: z.string().describe('Shown this once, stored nowhere') }),
);
const nameSchema = lineSchema(100).describe('What it is for');

const tag = 'smtp-credentials';

export const createCredential = defineRoute({
  id: 'createSmtpCredential',
  method: 'POST',
  path: '/api/smtp-credentials',
  tag,
  summary: 'Make an SMTP credential; its password is shown this once',
  security: 'user',
  scope: 'credentials:write',
  body: newCredentialSchema
    .extend({
      name: nameSchema,
      owner_id: idSchema.optional().describe('For administrators: whose it shall be; default: the caller’s own'),
    })
    .meta({ examples: [{ name: 'My first credential', daily_quota: 1000, hourly_quota: 100 }] }),
  answers: { 201: { description: 'The credential with its password', schema: issuedSchema, etag: true } },
  errors: ['FORBIDDEN', 'NOT_FOUND', 'CONFLICT'],
});

export const listCredentials = defineRoute({
  id: 'listSmtpCredentials',
  method: 'GET',
  path: '/api/smtp-credentials',
  tag,
  summary: 'SMTP credentials: one’s own, or everybody’s for administrators',
  security: 'user',
  scope: 'credentials:read',
  query: z.strictObject({
    ...pageFields,
    owner_id: idSchema.optional().describe('For administrators'),
    search: searchSchema.describe('Part of name or username'),
    enabled: flagSchema.optional().describe('Only those that are on, or off'),
    unused_since: instantSchema.optional().describe('Last used before this time, or never'),
    sort: sortSchema(['created_at', 'name', 'username', 'last_used_at']),
  }),
  answers: { 200: { description: 'A page', schema: component('SmtpCredentialPage', pageOf(credentialSchema)) } },
  errors: ['FORBIDDEN'],
});

export const getCredential = defineRoute({
  id: 'getSmtpCredential',
  method: 'GET',
  path: '/api/smtp-credentials/{id}',
  tag,
  summary: 'One SMTP credential',
  security: 'user',
  scope: 'credentials:read',
  params: idParams,
  answers: { 200: { description: 'The credential', schema: credentialSchema, etag: true } },
  errors: ['NOT_FOUND'],
});

export const changeCredential = defineRoute({
  id: 'changeSmtpCredential',
  method: 'PATCH',
  path: '/api/smtp-credentials/{id}',
  tag,
  summary: 'Change limits, domains, networks, name, on/off; what is left out stays',
  security: 'user',
  scope: 'credentials:write',
  params: idParams,
  headers: versionHeaders,
  body: credentialChangeSchema
    .extend({ name: nameSchema.optional() })
    .meta({ examples: [{ daily_quota: 2000, enabled: true }] }),
  answers: { 200: { description: 'The credential as it is now', schema: credentialSchema, etag: true } },
  errors: ['NOT_FOUND', ...versionErrors],
});

export const deleteCredential = defineRoute({
  id: 'deleteSmtpCredential',
  method: 'DELETE',
  path: '/api/smtp-credentials/{id}',
  tag,
  summary: 'Delete an SMTP credential; mail already accepted goes on',
  security: 'user',
  scope: 'credentials:write',
  params: idParams,
  answers: { 204: { description: 'Deleted' } },
  errors: ['NOT_FOUND'],
});

export const resetCredentialPassword = defineRoute({
  id: 'resetSmtpCredentialPassword',
  method: 'POST',
  path: '/api/smtp-credentials/{id}/reset-password',
  tag,
  summary: 'Make a new password; the old one stops working at once',
  security: 'user',
  scope: 'credentials:write',
  params: idParams,
  answers: { 200: { description: 'The credential with its new password', schema: issuedSchema, etag: true } },
  errors: ['NOT_FOUND'],
});

export const smtpCredentialRoutes = [
  createCredential,
  listCredentials,
  getCredential,
  changeCredential,
  deleteCredential,
  resetCredentialPassword,
];

const credentialView = (credential: SmtpCredential): z.infer<typeof credentialSchema> => ({
  id: credential.id,
  owner_id: credential.ownerId,
  name: credential.name,
  username: credential.username,
  daily_quota: credential.dailyQuota,
  hourly_quota: credential.hourlyQuota,
  over_limit: credential.overLimit,
  domains: [...credential.domains],
  networks: [...credential.networks],
  enabled: credential.enabled,
  created_at: isoTime(credential.createdAt),
  updated_at: isoTime(credential.updatedAt),
  last_used_at: isoTimeOrNull(credential.lastUsedAt),
});

const issuedView = ({ credential, password }: IssuedCredential) => ({ ...credentialView(credential), password });

export function bindSmtpCredentials(services: { accounts: Accounts; accountsService: AccountsService }) {
  const { accounts, accountsService } = services;

  const visible = visibleOnly(
    'SMTP credential',
    (id) => accounts.credential(id),
    ({ ownerId }) => ownerId,
  );

  return [
    bind(createCredential)(async ({ caller, request, body: { owner_id: ownerId = caller.userId, ...fields } }) => {
      if (ownerId === null) {
        const problems = [{ path: 'body.owner_id', message: 'needed here: whose credential shall it be?' }];
        throw new SluiceError('REQUEST_INVALID', 'body.owner_id: needed on the control socket', { problems });
      }
      if (ownerId !== caller.userId && caller.role !== 'admin') {
        throw new SluiceError('FORBIDDEN', 'only administrators may make credentials for others');
      }
      const issued = await accountsService.createCredential(ownerId, fields, auditOrigin(caller, request));
      return { status: 201, body: issuedView(issued), headers: versionOf(issued.credential) };
    }),

    bind(listCredentials)(async ({ caller, query }) => {
      const owner = ownerFilter(caller, query.owner_id);
      const page = await accounts.listCredentials({
        ...owner,
        ...pageOptions(query),
        ...sortOptions(query.sort),
        ...given({ search: query.search, enabled: query.enabled, unusedSince: query.unused_since }),
        living: true,
      });
      return { status: 200, body: { items: page.items.map(credentialView), next: page.next } };
    }),

    bind(getCredential)(async ({ caller, params }) => {
      const credential = await visible(caller, params.id);
      return { status: 200, body: credentialView(credential), headers: versionOf(credential) };
    }),

    bind(changeCredential)(async ({ caller, params, headers, body, request }) => {
      const version = expectedVersion(headers, await visible(caller, params.id));
      const change = { by: auditOrigin(caller, request), ...version };
      const credential = await accountsService.changeCredential(params.id, body, change);
      return { status: 200, body: credentialView(credential), headers: versionOf(credential) };
    }),

    bind(deleteCredential)(async ({ caller, params, request }) => {
      const { id } = await visible(caller, params.id);
      await accountsService.deleteCredential(id, { by: auditOrigin(caller, request) });
      return { status: 204 };
    }),

    bind(resetCredentialPassword)(async ({ caller, params, request }) => {
      const { id } = await visible(caller, params.id);
      const issued = await accountsService.resetPassword(id, auditOrigin(caller, request));
      return { status: 200, body: issuedView(issued), headers: versionOf(issued.credential) };
    }),
  ];
}
