import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { type IpNetwork, parseNetwork } from '../../domain/ip-network.ts';
import { networkPlace, placesAround, placesWithin } from '../../domain/network-place.ts';
import type { Page } from '../ports/accounts.ts';
import type { BlacklistEntry, BlacklistFilter, BlacklistListOptions } from '../ports/blacklist.ts';

type Condition = readonly [sql: string, ...values: SQLInputValue[]];

/** Throws a RangeError for what is no network. */
function network(text: string): IpNetwork {
  const parsed = parseNetwork(text);
  if (parsed === null) throw new RangeError(`"${text}" is no network`);
  return parsed;
}

/** The key of a network's row. */
export const placeOf = (text: string): string => networkPlace(network(text));

export const blacklistEntry = (row: Record<string, unknown>): BlacklistEntry => ({
  id: String(row.id),
  network: String(row.network),
  reason: String(row.reason),
  source: row.source as BlacklistEntry['source'],
  createdAt: Number(row.created_at),
  updatedAt: Number(row.updated_at),
  expiresAt: row.expires_at === null ? null : Number(row.expires_at),
});

const never = Number.MAX_SAFE_INTEGER;
const keys = {
  network: ['place'],
  created_at: ['id'],
  expires_at: [`coalesce(expires_at, ${never})`, 'id'],
} as const;

/** Values of the keys at the last row of a page, as the cursor holds them. */
const cursorOf = (sort: keyof typeof keys, { id, network: text, expiresAt }: BlacklistEntry): string =>
  ({ network: () => placeOf(text), created_at: () => id, expires_at: () => `${expiresAt ?? never}.${id}` })[sort]();

const conditionOf = {
  around: (text: string): Condition => {
    const places = placesAround(network(text));
    return [`place IN (${places.map(() => '?').join(', ')})`, ...places];
  },
  within: (text: string): Condition => {
    const { first, last } = placesWithin(network(text));
    return ['place BETWEEN ? AND ?', first, last];
  },
  behind(sort: keyof typeof keys, cursor: string, descending: boolean): Condition {
    const dot = cursor.indexOf('.');
    const values = sort === 'expires_at' ? [Number(cursor.slice(0, dot)) || 0, cursor.slice(dot + 1)] : [cursor];
    return [`(${keys[sort].join(', ')}) ${descending ? '<' : '>'} (${values.map(() => '?').join(', ')})`, ...values];
  },
};

/** Reads the blacklist; each question goes through an index of the network or of the order asked for. */
export const blacklistReader = (database: DatabaseSync) => ({
  blacklistEntry(id: string): BlacklistEntry | null {
    const row = database.prepare('SELECT * FROM blacklist WHERE id = ?').get(id);
    return row === undefined ? null : blacklistEntry(row);
  },

  blacklistByNetworks: (networks: readonly string[]): BlacklistEntry[] =>
    database
      .prepare(`SELECT * FROM blacklist WHERE place IN (${networks.map(() => '?').join(', ')})`)
      .all(...networks.map(placeOf))
      .map(blacklistEntry),

  listBlacklist(filter: BlacklistFilter, options: BlacklistListOptions): Page<BlacklistEntry> {
    const { sort = 'network', descending = false, after, limit } = options;
    const { holding, within, source, search, inForceAt, endedBy } = filter;
    const conditions: Condition[] = [
      ...(holding === undefined ? [] : [conditionOf.around(holding)]),
      ...(within === undefined ? [] : [conditionOf.within(within)]),
      ...(source === undefined ? [] : [['source = ?', source] as const]),
      ...(search === undefined ? [] : [['instr(lower(reason), ?) > 0', search.toLowerCase()] as const]),
      ...(inForceAt === undefined ? [] : [['(expires_at IS NULL OR expires_at > ?)', inForceAt] as const]),
      ...(endedBy === undefined ? [] : [['expires_at <= ?', endedBy] as const]),
      ...(after === undefined ? [] : [conditionOf.behind(sort, after, descending)]),
    ];
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.map(([sql]) => sql).join(' AND ')}`;
    const order = keys[sort].map((key) => `${key} ${descending ? 'DESC' : 'ASC'}`).join(', ');
    const found = database
      .prepare(`SELECT * FROM blacklist ${where} ORDER BY ${order} LIMIT ?`)
      .all(...conditions.flatMap(([, ...values]) => values), limit + 1)
      .map(blacklistEntry);
    const items = found.slice(0, limit);
    const last = items.at(-1);
    return { items, next: found.length > limit && last !== undefined ? cursorOf(sort, last) : null };
  },
});
