import { z } from 'zod';
import { SluiceError } from '../../core/domain/errors.ts';
import type { StoredWebhook } from '../../core/storage/ports/webhooks.ts';
import type { IssuedWebhook, WebhooksService } from '../../core/webhooks/webhooks-service.ts';
import { auditOrigin } from '../auth/audit-origin.ts';
import { maySee, ownerFilter } from '../auth/visibility.ts';
import { component } from '../components.ts';
import { eventTypeSchema } from '../events/event-view.ts';
import { expectedVersion, versionErrors, versionHeaders, versionOf } from '../http/version.ts';
import { bind, type Caller, defineRoute } from '../route.ts';
import {
  given,
  idParams,
  idSchema,
  isoTime,
  isoTimeOrNull,
  lineSchema,
  pageFields,
  pageOf,
  pageOptions,
  timeSchema,
} from './fields.ts';

const nameSchema = lineSchema(100).describe('What it is for');
const urlSchema = lineSchema(2_000)
  .describe('Where events are posted to: https, a public address')
  .meta({ examples: ['https://hooks.example.com/sluice'] });
const typesSchema = z.array(eventTypeSchema).max(50).describe('Types of events; empty: all');
const allOwnersSchema = z.boolean().describe('For administrators: everybody’s mail, and changes of the configuration');

const webhookFields = {
  id: idSchema,
  owner_id: idSchema,
  name: z.string(),
  url: z.string(),
  types: typesSchema,
  all_owners: allOwnersSchema,
  enabled: z.boolean(),
  disabled_reason: z.string().nullable().describe('Why Sluice switched it off by itself'),
  old_secret_until: timeSchema.nullable().describe('Until then deliveries are signed with the secret before, too'),
  created_at: timeSchema,
  updated_at: timeSchema,
  state: z.strictObject({
    last_event_id: z.int().describe('Events up to this one were delivered, or were not meant'),
    last_success_at: timeSchema.nullable(),
    last_failure: z.strictObject({ at: timeSchema, reason: z.string() }).nullable(),
    failures: z.int().describe('Since the last success'),
    failing_since: timeSchema.nullable(),
    next_try_at: timeSchema.nullable(),
  }),
};
const webhookSchema = component('Webhook', z.strictObject(webhookFields));
const issuedSchema = component(
  'IssuedWebhook',
  z.strictObject({
    ...webhookFields,
    secret: z.string().describe('Signs the deliveries (Standard Webhooks); shown this once'),
  }),
);
const testSchema = component(
  'WebhookTest',
  z.strictObject({
    delivered: z.boolean(),
    status: z.int().nullable().describe('HTTP status of the answer; null: there was none'),
    reason: z.string().nullable().describe('Why it was not delivered'),
    milliseconds: z.int(),
  }),
);

const tag = 'webhooks';
const common = { tag, security: 'user' } as const;

export const createWebhook = defineRoute({
  ...common,
  id: 'createWebhook',
  method: 'POST',
  path: '/api/webhooks',
  summary: 'Have events posted to an address; the secret that signs them is shown this once',
  description:
    'Each event is posted as JSON, one after the other, at least once, signed after the Standard Webhooks specification. ' +
    'What is not answered 2xx is tried again with growing delays for a day; then the webhook is switched off.',
  scope: 'webhooks:write',
  body: z
    .strictObject({
      name: nameSchema,
      url: urlSchema,
      types: typesSchema.optional(),
      all_owners: allOwnersSchema.optional(),
      enabled: z.boolean().optional(),
    })
    .meta({ examples: [{ name: 'shop', url: 'https://hooks.example.com/sluice', types: ['delivered', 'bounced'] }] }),
  answers: { 201: { description: 'The webhook with its secret', schema: issuedSchema, etag: true } },
  errors: ['FORBIDDEN', 'CONFLICT'],
});

export const listWebhooks = defineRoute({
  ...common,
  id: 'listWebhooks',
  method: 'GET',
  path: '/api/webhooks',
  summary: 'Webhooks: one’s own, or everybody’s for administrators',
  scope: 'webhooks:read',
  query: z.strictObject({ ...pageFields, owner_id: idSchema.optional().describe('For administrators') }),
  answers: { 200: { description: 'A page', schema: component('WebhookPage', pageOf(webhookSchema)) } },
  errors: ['FORBIDDEN'],
});

export const getWebhook = defineRoute({
  ...common,
  id: 'getWebhook',
  method: 'GET',
  path: '/api/webhooks/{id}',
  summary: 'One webhook, and how its deliveries go',
  description: 'Its ETag names the settings; deliveries change `state` and not the ETag.',
  scope: 'webhooks:read',
  params: idParams,
  answers: { 200: { description: 'The webhook', schema: webhookSchema } },
  errors: ['NOT_FOUND'],
});

export const changeWebhook = defineRoute({
  ...common,
  id: 'changeWebhook',
  method: 'PATCH',
  path: '/api/webhooks/{id}',
  summary: 'Change name, address, types, on/off; what is left out stays',
  description: 'Switched on again, it is told of what happens from then on.',
  scope: 'webhooks:write',
  params: idParams,
  headers: versionHeaders,
  body: z
    .strictObject({
      name: nameSchema.optional(),
      url: urlSchema.optional(),
      types: typesSchema.optional(),
      all_owners: allOwnersSchema.optional(),
      enabled: z.boolean().optional(),
    })
    .meta({ examples: [{ types: ['bounced', 'expired'] }] }),
  answers: { 200: { description: 'The webhook as it is now', schema: webhookSchema, etag: true } },
  errors: ['FORBIDDEN', 'NOT_FOUND', ...versionErrors],
});

export const deleteWebhook = defineRoute({
  ...common,
  id: 'deleteWebhook',
  method: 'DELETE',
  path: '/api/webhooks/{id}',
  summary: 'Delete a webhook',
  scope: 'webhooks:write',
  params: idParams,
  answers: { 204: { description: 'Deleted' } },
  errors: ['NOT_FOUND'],
});

export const rotateWebhookSecret = defineRoute({
  ...common,
  id: 'rotateWebhookSecret',
  method: 'POST',
  path: '/api/webhooks/{id}/rotate-secret',
  summary: 'Make a new secret; for a day deliveries are signed with both',
  scope: 'webhooks:write',
  params: idParams,
  answers: { 200: { description: 'The webhook with its new secret', schema: issuedSchema, etag: true } },
  errors: ['NOT_FOUND', 'PRECONDITION_FAILED'],
});

export const testWebhook = defineRoute({
  ...common,
  id: 'testWebhook',
  method: 'POST',
  path: '/api/webhooks/{id}/test',
  summary: 'Post a signed test now, and tell what came of it',
  scope: 'webhooks:write',
  params: idParams,
  answers: { 200: { description: 'What came of it', schema: testSchema } },
  errors: ['NOT_FOUND'],
});

export const webhookRoutes = [
  createWebhook,
  listWebhooks,
  getWebhook,
  changeWebhook,
  deleteWebhook,
  rotateWebhookSecret,
  testWebhook,
];

const webhookView = ({ webhook, state }: StoredWebhook): z.infer<typeof webhookSchema> => ({
  id: webhook.id,
  owner_id: webhook.ownerId,
  name: webhook.name,
  url: webhook.url,
  types: [...webhook.types],
  all_owners: webhook.allOwners,
  enabled: webhook.enabled,
  disabled_reason: webhook.disabledReason,
  old_secret_until: isoTimeOrNull(webhook.secrets[1]?.until ?? null),
  created_at: isoTime(webhook.createdAt),
  updated_at: isoTime(webhook.updatedAt),
  state: {
    last_event_id: state.position,
    last_success_at: isoTimeOrNull(state.lastSuccessAt),
    last_failure:
      state.lastFailure === null ? null : { at: isoTime(state.lastFailure.at), reason: state.lastFailure.reason },
    failures: state.failures,
    failing_since: isoTimeOrNull(state.failingSince),
    next_try_at: isoTimeOrNull(state.nextAt),
  },
});
const issuedView = (issued: IssuedWebhook) => ({ ...webhookView(issued), secret: issued.secret });

function checkScope(caller: Caller, allOwners: boolean | undefined): void {
  if (allOwners !== true || caller.role === 'admin') return;
  throw new SluiceError('FORBIDDEN', 'only administrators may have webhooks for everybody’s mail');
}

export function bindWebhooks({ webhooksService }: { webhooksService: WebhooksService }) {
  const visible = async (caller: Caller, id: string): Promise<StoredWebhook> => {
    const stored = await webhooksService.get(id);
    if (maySee(caller, stored.webhook.ownerId)) return stored;
    throw new SluiceError('NOT_FOUND', 'there is no such webhook');
  };

  return [
    bind(createWebhook)(async ({ caller, body, request }) => {
      if (caller.userId === null) throw new SluiceError('FORBIDDEN', 'on the control socket nobody is there to own it');
      checkScope(caller, body.all_owners);
      const { name, url, types = [], all_owners: allOwners = false, enabled = true } = body;
      const settings = { name, url, types, allOwners, enabled };
      const issued = await webhooksService.create(caller.userId, settings, auditOrigin(caller, request));
      return { status: 201, body: issuedView(issued), headers: versionOf(issued.webhook) };
    }),

    bind(listWebhooks)(async ({ caller, query }) => {
      const page = await webhooksService.list({ ...ownerFilter(caller, query.owner_id), ...pageOptions(query) });
      return { status: 200, body: { items: page.items.map(webhookView), next: page.next } };
    }),

    bind(getWebhook)(async ({ caller, params }) => ({
      status: 200,
      body: webhookView(await visible(caller, params.id)),
    })),

    bind(changeWebhook)(async ({ caller, params, headers, body, request }) => {
      const { webhook } = await visible(caller, params.id);
      const version = expectedVersion(headers, webhook);
      checkScope(caller, body.all_owners);
      const { name, url, types, all_owners: allOwners, enabled } = body;
      const change = given({ name, url, types, allOwners, enabled });
      const by = auditOrigin(caller, request);
      const changed = await webhooksService.change(params.id, change, { by, ...version });
      return { status: 200, body: webhookView(changed), headers: versionOf(changed.webhook) };
    }),

    bind(deleteWebhook)(async ({ caller, params, request }) => {
      await visible(caller, params.id);
      await webhooksService.remove(params.id, auditOrigin(caller, request));
      return { status: 204 };
    }),

    bind(rotateWebhookSecret)(async ({ caller, params, request }) => {
      await visible(caller, params.id);
      const issued = await webhooksService.rotateSecret(params.id, { by: auditOrigin(caller, request) });
      return { status: 200, body: issuedView(issued), headers: versionOf(issued.webhook) };
    }),

    bind(testWebhook)(async ({ caller, params }) => {
      await visible(caller, params.id);
      const { ok, status, reason, milliseconds } = await webhooksService.test(params.id);
      return { status: 200, body: { delivered: ok, status, reason, milliseconds } };
    }),
  ];
}
