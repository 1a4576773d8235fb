import { z } from 'zod';
import { networkSchema } from '../../core/accounts/account-schemas.ts';
import type { WrittenEntry } from '../../core/blacklist/blacklist-service.ts';
import { type BlacklistEntry, type BlacklistFilter, blacklistSources } from '../../core/storage/ports/blacklist.ts';
import { component } from '../components.ts';
import { flagSchema, given, idSchema, isoTime, isoTimeOrNull, searchSchema, timeSchema } from './fields.ts';

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
export const entrySchema = component('BlacklistEntry', z.strictObject(entryFields));
export const writtenSchema = component(
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

export const entryView = (entry: BlacklistEntry): z.infer<typeof entrySchema> => ({
  id: entry.id,
  network: entry.network,
  reason: entry.reason,
  source: entry.source,
  created_at: isoTime(entry.createdAt),
  updated_at: isoTime(entry.updatedAt),
  expires_at: isoTimeOrNull(entry.expiresAt),
});

export const writtenView = ({ entry, overlaps }: WrittenEntry) => ({
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
