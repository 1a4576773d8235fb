import { uuidv7 } from 'uuidv7';
import { z } from 'zod';
import { auditEntry } from '../../core/accounts/audit-entries.ts';
import { generateApiKey } from '../../core/accounts/credential-generator.ts';
import type { Seals } from '../../core/accounts/seals.ts';
import type { Clock } from '../../core/domain/clock.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { ApiAccess, ApiKey } from '../../core/storage/ports/api-access.ts';
import { auditOrigin } from '../auth/audit-origin.ts';
import { scopes } from '../auth/scopes.ts';
import { ownerFilter, visibleOnly } from '../auth/visibility.ts';
import { component } from '../components.ts';
import { bind, defineRoute } from '../route.ts';
import {
  idParams,
  idSchema,
  instantSchema,
  isoTime,
  isoTimeOrNull,
  lineSchema,
  pageFields,
  pageOf,
  pageOptions,
  timeSchema,
} from './fields.ts';

const scopeSchema = z.enum(scopes);
const apiKeyFields = {
  id: idSchema,
  owner_id: idSchema,
  name: z.string(),
  hint: z.string().describe('How the key begins'),
  scopes: z.array(scopeSchema),
  created_at: timeSchema,
  expires_at: timeSchema.nullable().describe('null: never'),
  revoked_at: timeSchema.nullable(),
  last_used_at: timeSchema.nullable().describe('To the minute'),
};
const apiKeySchema = component('ApiKey', z.strictObject(apiKeyFields));
const issuedSchema = component(
  'IssuedApiKey',
  z.strictObject({ ...apiKeyFields, key: z.string().describe('Shown this once, stored nowhere') }),
);

const tag = 'api-keys';
const aboutScopes =
  'Without the scope `admin` a key acts for what belongs to its owner, whatever the owner’s role; with it, it may do all that the owner may, but for passwords, logins and keys. `x:write` includes `x:read`.';

export const createApiKey = defineRoute({
  id: 'createApiKey',
  method: 'POST',
  path: '/api/api-keys',
  tag,
  summary: 'Make an API key for a script; it is shown this once',
  description: aboutScopes,
  security: 'user',
  scope: 'session',
  body: z
    .strictObject({
      name: lineSchema(100).describe('What it is for'),
      scopes: z.array(scopeSchema).min(1).max(scopes.length),
      expires_at: instantSchema.nullable().optional().describe('null or left out: never'),
    })
    .meta({ examples: [{ name: 'dashboard', scopes: ['mail:read', 'queue:read'] }] }),
  answers: { 201: { description: 'The key', schema: issuedSchema } },
  errors: ['NOT_FOUND'],
});

export const listApiKeys = defineRoute({
  id: 'listApiKeys',
  method: 'GET',
  path: '/api/api-keys',
  tag,
  summary: 'API keys: one’s own, or everybody’s for administrators; revoked ones, too',
  security: 'user',
  scope: 'session',
  query: z.strictObject({ ...pageFields, owner_id: idSchema.optional().describe('For administrators') }),
  answers: { 200: { description: 'A page', schema: component('ApiKeyPage', pageOf(apiKeySchema)) } },
});

export const getApiKey = defineRoute({
  id: 'getApiKey',
  method: 'GET',
  path: '/api/api-keys/{id}',
  tag,
  summary: 'One API key',
  security: 'user',
  scope: 'session',
  params: idParams,
  answers: { 200: { description: 'The key', schema: apiKeySchema } },
  errors: ['NOT_FOUND'],
});

export const revokeApiKey = defineRoute({
  id: 'revokeApiKey',
  method: 'DELETE',
  path: '/api/api-keys/{id}',
  tag,
  summary: 'Make an API key worthless at once, for good',
  security: 'user',
  scope: 'session',
  params: idParams,
  answers: { 204: { description: 'Done, or it was so before' } },
  errors: ['NOT_FOUND'],
});

export const apiKeyRoutes = [createApiKey, listApiKeys, getApiKey, revokeApiKey];

const apiKeyView = (key: ApiKey): z.input<typeof apiKeySchema> => ({
  id: key.id,
  owner_id: key.ownerId,
  name: key.name,
  hint: key.hint,
  scopes: scopes.filter((scope) => key.scopes.includes(scope)),
  created_at: isoTime(key.createdAt),
  expires_at: isoTimeOrNull(key.expiresAt),
  revoked_at: isoTimeOrNull(key.revokedAt),
  last_used_at: isoTimeOrNull(key.lastUsedAt),
});

const auditValues = ({ ownerId, name, hint, scopes: granted, expiresAt, revokedAt }: ApiKey) => ({
  owner_id: ownerId,
  name,
  hint,
  scopes: granted,
  expires_at: isoTimeOrNull(expiresAt),
  revoked: revokedAt !== null,
});

export function bindApiKeys(services: { apiAccess: ApiAccess; seals: Seals; clock: Clock }) {
  const { apiAccess, seals, clock } = services;

  const visible = visibleOnly(
    'API key',
    (id) => apiAccess.apiKey(id),
    ({ ownerId }) => ownerId,
  );

  return [
    bind(createApiKey)(async ({ caller, body, request }) => {
      if (caller.userId === null) throw new SluiceError('NOT_FOUND', 'on the control socket nobody is there to own it');
      const now = clock.now();
      const expiresAt = body.expires_at ?? null;
      if (expiresAt !== null && expiresAt <= now) {
        const problems = [{ path: 'body.expires_at', message: 'expected a time to come' }];
        throw new SluiceError('REQUEST_INVALID', 'body.expires_at: expected a time to come', { problems });
      }
      const text = generateApiKey();
      const key: ApiKey = {
        id: uuidv7(),
        ownerId: caller.userId,
        name: body.name,
        fingerprint: seals.fingerprint('api-key', text),
        hint: text.slice(0, 'sluice_'.length + 4),
        scopes: scopes.filter((scope) => body.scopes.includes(scope)),
        createdAt: now,
        expiresAt,
        revokedAt: null,
        lastUsedAt: null,
      };
      const subject = { kind: 'api-key', id: key.id };
      const by = auditOrigin(caller, request);
      const change = { by, at: now, action: 'api-key.create', subject };
      await apiAccess.insertApiKey(key, auditEntry({ ...change, before: null, after: auditValues(key) }));
      return { status: 201, body: { ...apiKeyView(key), key: text } };
    }),

    bind(listApiKeys)(async ({ caller, query }) => {
      const { items, next } = await apiAccess.listApiKeys({
        ...ownerFilter(caller, query.owner_id),
        ...pageOptions(query),
      });
      return { status: 200, body: { items: items.map(apiKeyView), next } };
    }),

    bind(getApiKey)(async ({ caller, params }) => ({
      status: 200,
      body: apiKeyView(await visible(caller, params.id)),
    })),

    bind(revokeApiKey)(async ({ caller, params, request }) => {
      const key = await visible(caller, params.id);
      const at = clock.now();
      const subject = { kind: 'api-key', id: key.id };
      const by = auditOrigin(caller, request);
      const after = auditValues({ ...key, revokedAt: at });
      const audit = auditEntry({ by, at, action: 'api-key.revoke', subject, before: auditValues(key), after });
      await apiAccess.revokeApiKey(key.id, at, audit);
      return { status: 204 };
    }),
  ];
}
