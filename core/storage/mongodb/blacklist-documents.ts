import type { Document } from 'mongodb';
import { type IpNetwork, parseNetwork } from '../../domain/ip-network.ts';
import { networkPlace, placesAround, placesWithin } from '../../domain/network-place.ts';
import type { BlacklistEntry, BlacklistFilter, BlacklistListOptions } from '../ports/blacklist.ts';
import type { Audited } from './audit-outbox.ts';
import type { Index } from './indexes.ts';
import { containing } from './list.ts';
import { type Removable, there } from './removed-documents.ts';

/** `_id` is the place of the network (core/domain/network-place.ts), so that one network has one entry. */
export interface BlacklistDocument extends Audited, Removable, Omit<BlacklistEntry, 'expiresAt'> {
  /** When it ends; the largest integer where it never does. */
  readonly endsAt: number;
  /** What is searched. */
  readonly reasonKey: string;
}

export const blacklistIndexes: readonly Index[] = [
  { collection: 'blacklist', key: { id: 1 } },
  { collection: 'blacklist', key: { endsAt: 1, id: 1 } },
  { collection: 'blacklist', key: { removed: 1 }, sparse: true },
];

const never = Number.MAX_SAFE_INTEGER;

/** Throws a RangeError for what is no network. */
function networkOf(text: string): IpNetwork {
  const parsed = parseNetwork(text);
  if (parsed === null) throw new RangeError(`"${text}" is no network`);
  return parsed;
}

export const placeOf = (network: string): string => networkPlace(networkOf(network));

/** The fields of an entry, without its place. */
export const blacklistFields = ({ expiresAt, ...entry }: BlacklistEntry) => ({
  ...entry,
  endsAt: expiresAt ?? never,
  reasonKey: entry.reason.toLowerCase(),
});

export function blacklistEntryOf({
  _id,
  endsAt,
  reasonKey,
  removed,
  outbox,
  ...entry
}: BlacklistDocument): BlacklistEntry {
  return { ...entry, expiresAt: endsAt === never ? null : endsAt };
}

export function blacklistFilter(filter: BlacklistFilter): Document[] {
  const { holding, within, source, search, inForceAt, endedBy } = filter;
  const conditions: Document[] = [there];
  if (holding !== undefined) conditions.push({ _id: { $in: placesAround(networkOf(holding)) } });
  if (within !== undefined) {
    const { first, last } = placesWithin(networkOf(within));
    conditions.push({ _id: { $gte: first, $lte: last } });
  }
  if (source !== undefined) conditions.push({ source });
  if (inForceAt !== undefined) conditions.push({ endsAt: { $gt: inForceAt } });
  if (endedBy !== undefined) conditions.push({ endsAt: { $lte: endedBy } });
  if (search !== undefined) conditions.push(containing(['reasonKey'], search));
  return conditions;
}

export interface BlacklistOrder {
  readonly sort: Readonly<Record<string, 1 | -1>>;
  /** What comes behind a cursor. */
  behind(cursor: string): Document;
  cursorOf(document: BlacklistDocument): string;
}

export function blacklistOrder({ sort = 'network', descending = false }: BlacklistListOptions): BlacklistOrder {
  const direction = descending ? -1 : 1;
  const beyond = descending ? '$lt' : '$gt';
  if (sort === 'expires_at') {
    return {
      sort: { endsAt: direction, id: direction },
      behind(cursor) {
        const dot = cursor.indexOf('.');
        const endsAt = Number(cursor.slice(0, dot)) || 0;
        return { $or: [{ endsAt: { [beyond]: endsAt } }, { endsAt, id: { [beyond]: cursor.slice(dot + 1) } }] };
      },
      cursorOf: ({ endsAt, id }) => `${endsAt}.${id}`,
    };
  }
  const key = sort === 'network' ? '_id' : 'id';
  return {
    sort: { [key]: direction },
    behind: (cursor) => ({ [key]: { [beyond]: cursor } }),
    cursorOf: (document) => document[key],
  };
}
