import { z } from 'zod';
import { networkSchema } from '../../core/accounts/account-schemas.ts';
import { entryChangeSchema, newEntrySchema } from '../../core/blacklist/blacklist-schemas.ts';
import type { BlacklistService, WrittenEntry } from '../../core/blacklist/blacklist-service.ts';
import type { Clock } from '../../core/domain/clock.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import {
  type Blacklist,
  type BlacklistEntry,
  type BlacklistFilter,
  blacklistSources,
} from '../../core/storage/ports/blacklist.ts';
import { auditOrigin } from '../auth/audit-origin.ts';
import { component } from '../components.ts';
import { expectedVersion, versionErrors, versionHeaders, versionOf } from '../http/version.ts';
import { bind, defineRoute } from '../route.ts';
import {
  flagSchema,
  given,
  idParams,
  idSchema,
  isoTime,
  isoTimeOrNull,
  pageFields,
  pageOf,
  pageOptions,
  searchSchema,
  sortOptions,
  sortSchema,
  timeSchema,
} from './fields.ts';

const entryFields = {
  id: idSchema,
  network: z
    .string()
    .describe('CIDR; a single address is a /32 or /128')
    .meta({ examples: ['192.0.2.0/24'] }),
  reason: z.string().describe('Told to the client that is refused'),
  source: z.enum(blacklistSources).describe('Who put it there: a person, the plugin by itself, or an imported list'),
  created_at: timeSchema,
  updated_at: timeSchema,
  expires_at: timeSchema.nullable().describe('Null: never'),
};
const entrySchema = component('BlacklistEntry', z.strictObject(entryFields));
const writtenSchema = component(
  'WrittenBlacklistEntry',
  z.strictObject({
    ...entryFields,
    overlaps: z
      .array(z.strictObject({ id: idSchema, network: z.string(), is: z.enum(['wider', 'narrower']) }))
      .describe('Other entries that hold this network, or lie in it; the narrowest that is in force counts'),
  }),
);

/** What a list and an export are filtered by. */
export const blacklistFilterFields = {
  address: networkSchema.optional().describe('Entries that hold this address or network'),
  within: networkSchema.optional().describe('Entries that lie in this network'),
  source: z.enum(blacklistSources).optional().describe('Only those that came from there'),
  search: searchSchema.describe('Part of the reason'),
  expired: flagSchema.optional().describe('True: those that have ended and are not deleted yet; false: those in force'),
};

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

export const entryView = (entry: BlacklistEntry): z.infer<typeof entrySchema> => ({
  id: entry.id,
  network: entry.network,
  reason: entry.reason,
  source: entry.source,
  created_at: isoTime(entry.createdAt),
  updated_at: isoTime(entry.updatedAt),
  expires_at: isoTimeOrNull(entry.expiresAt),
});

const writtenView = ({ entry, overlaps }: WrittenEntry) => ({
  ...entryView(entry),
  overlaps: overlaps.map((overlap) => ({ ...overlap })),
});

interface FilterQuery {
  readonly address?: string | undefined;
  readonly within?: string | undefined;
  readonly source?: BlacklistEntry['source'] | undefined;
  readonly search?: string | undefined;
  readonly expired?: boolean | undefined;
}

/** The store's names for a filter. */
export const blacklistFilter = (
  { address, within, source, search, expired }: FilterQuery,
  now: number,
): BlacklistFilter => ({
  ...given({ holding: address, within, source, search }),
  ...(expired === undefined ? {} : expired ? { endedBy: now } : { inForceAt: now }),
});

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
