import { z } from 'zod';
import { entryChangeSchema, newEntrySchema } from '../../core/blacklist/blacklist-schemas.ts';
import type { BlacklistService } from '../../core/blacklist/blacklist-service.ts';
import type { Clock } from '../../core/domain/clock.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { Blacklist, BlacklistEntry } from '../../core/storage/ports/blacklist.ts';
import { auditOrigin } from '../auth/audit-origin.ts';
import { component } from '../components.ts';
import { expectedVersion, versionErrors, versionHeaders, versionOf } from '../http/version.ts';
import { bind, defineRoute } from '../route.ts';
import {
  blacklistFilter,
  blacklistFilterFields,
  entrySchema,
  entryView,
  writtenSchema,
  writtenView,
} from './blacklist-view.ts';
import { idParams, pageFields, pageOf, pageOptions, sortOptions, sortSchema } from './fields.ts';

const tag = 'blacklist';

export const listBlacklist = defineRoute({
  id: 'listBlacklist',
  method: 'GET',
  path: '/api/blacklist',
  tag,
  summary: 'Refused addresses and networks',
  description: 'Entries of the configuration file are settings of the plugin `blacklist`, and not listed here.',
  security: 'admin',
  scope: 'admin',
  query: z.strictObject({
    ...pageFields,
    ...blacklistFilterFields,
    sort: sortSchema(['network', 'created_at', 'expires_at']),
  }),
  answers: { 200: { description: 'A page', schema: component('BlacklistPage', pageOf(entrySchema)) } },
});

export const createBlacklistEntry = defineRoute({
  id: 'createBlacklistEntry',
  method: 'POST',
  path: '/api/blacklist',
  tag,
  summary: 'Refuse an address or network, at once and in open sessions, too',
  description:
    'Loopback, the addresses of this machine and `protected` networks of the plugin are refused, and whatever holds one of them. A network that is listed already is a conflict; overlaps are told.',
  security: 'admin',
  scope: 'admin',
  body: newEntrySchema.meta({
    examples: [{ network: '198.51.100.0/24', reason: 'port scans', expires_at: '2099-01-31T12:00:00Z' }],
  }),
  answers: { 201: { description: 'The entry', schema: writtenSchema, etag: true } },
  errors: ['CONFLICT'],
});

export const getBlacklistEntry = defineRoute({
  id: 'getBlacklistEntry',
  method: 'GET',
  path: '/api/blacklist/{id}',
  tag,
  summary: 'One entry',
  security: 'admin',
  scope: 'admin',
  params: idParams,
  answers: { 200: { description: 'The entry', schema: entrySchema, etag: true } },
  errors: ['NOT_FOUND'],
});

export const changeBlacklistEntry = defineRoute({
  id: 'changeBlacklistEntry',
  method: 'PATCH',
  path: '/api/blacklist/{id}',
  tag,
  summary: 'Change network, reason or end; what is left out stays',
  security: 'admin',
  scope: 'admin',
  params: idParams,
  headers: versionHeaders,
  body: entryChangeSchema.meta({ examples: [{ reason: 'port scans', expires_at: null }] }),
  answers: { 200: { description: 'The entry as it is now', schema: writtenSchema, etag: true } },
  errors: ['NOT_FOUND', 'CONFLICT', ...versionErrors],
});

export const deleteBlacklistEntry = defineRoute({
  id: 'deleteBlacklistEntry',
  method: 'DELETE',
  path: '/api/blacklist/{id}',
  tag,
  summary: 'Let an address or network in again',
  security: 'admin',
  scope: 'admin',
  params: idParams,
  answers: { 204: { description: 'Deleted' } },
  errors: ['NOT_FOUND'],
});

export const blacklistRoutes = [
  listBlacklist,
  createBlacklistEntry,
  getBlacklistEntry,
  changeBlacklistEntry,
  deleteBlacklistEntry,
];

export interface BlacklistServices {
  readonly blacklist: Blacklist;
  readonly blacklistService: BlacklistService;
  readonly clock: Clock;
}

export function bindBlacklist({ blacklist, blacklistService, clock }: BlacklistServices) {
  const existing = async (id: string): Promise<BlacklistEntry> => {
    const entry = await blacklist.get(id);
    if (entry === null) throw new SluiceError('NOT_FOUND', 'there is no such blacklist entry; it may have ended');
    return entry;
  };

  return [
    bind(listBlacklist)(async ({ query }) => {
      const options = { ...pageOptions(query), ...sortOptions(query.sort) };
      const { items, next } = await blacklist.list(blacklistFilter(query, clock.now()), options);
      return { status: 200, body: { items: items.map(entryView), next } };
    }),

    bind(createBlacklistEntry)(async ({ caller, body, request }) => {
      const written = await blacklistService.create(body, auditOrigin(caller, request));
      return { status: 201, body: writtenView(written), headers: versionOf(written.entry) };
    }),

    bind(getBlacklistEntry)(async ({ params }) => {
      const entry = await existing(params.id);
      return { status: 200, body: entryView(entry), headers: versionOf(entry) };
    }),

    bind(changeBlacklistEntry)(async ({ caller, params, headers, body, request }) => {
      const version = expectedVersion(headers, await existing(params.id));
      const written = await blacklistService.change(params.id, body, { by: auditOrigin(caller, request), ...version });
      return { status: 200, body: writtenView(written), headers: versionOf(written.entry) };
    }),

    bind(deleteBlacklistEntry)(async ({ caller, params, request }) => {
      await blacklistService.remove(params.id, auditOrigin(caller, request));
      return { status: 204 };
    }),
  ];
}
