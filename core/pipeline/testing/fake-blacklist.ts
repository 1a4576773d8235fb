import { NetworkSet } from '../../domain/ip-network.ts';
import type { Blacklist, BlacklistEntry, BlacklistFilter } from '../../storage/ports/blacklist.ts';
import type { BlacklistIndex } from '../blacklist-index.ts';

const baseOf = (network: string): string => network.split('/', 1)[0] ?? network;
const prefixOf = (network: string): number => Number(network.split('/')[1]);
const holds = (outer: string, inner: string): boolean =>
  new NetworkSet([outer]).contains(baseOf(inner)) && prefixOf(outer) <= prefixOf(inner);

const isMeant = (entry: BlacklistEntry, filter: BlacklistFilter): boolean => {
  const { holding, within, source, search, inForceAt, endedBy } = filter;
  const { network, reason, expiresAt } = entry;
  return (
    (holding === undefined || holds(network, holding)) &&
    (within === undefined || holds(within, network)) &&
    (source === undefined || entry.source === source) &&
    (search === undefined || reason.toLowerCase().includes(search.toLowerCase())) &&
    (inForceAt === undefined || expiresAt === null || expiresAt > inForceAt) &&
    (endedBy === undefined || (expiresAt !== null && expiresAt <= endedBy))
  );
};

/** A blacklist in memory, in one page; `index` shows the same entries at once, expired ones included. */
export class FakeBlacklist implements Blacklist {
  readonly entries = new Map<string, BlacklistEntry>();
  readonly index: BlacklistIndex = {
    match: (address) => {
      const around = [...this.entries.values()].filter(({ network }) => new NetworkSet([network]).contains(address));
      return around.toSorted((a, b) => prefixOf(b.network) - prefixOf(a.network))[0];
    },
  };

  async get(id: string): Promise<BlacklistEntry | null> {
    return this.entries.get(id) ?? null;
  }

  async byNetworks(networks: readonly string[]): Promise<readonly BlacklistEntry[]> {
    return [...this.entries.values()].filter(({ network }) => networks.includes(network));
  }

  async list(filter: BlacklistFilter) {
    return { items: [...this.entries.values()].filter((entry) => isMeant(entry, filter)), next: null };
  }

  async insert(entry: BlacklistEntry): Promise<BlacklistEntry | null> {
    const [standing] = await this.byNetworks([entry.network]);
    if (standing !== undefined && (standing.expiresAt === null || standing.expiresAt > entry.createdAt))
      return standing;
    await this.put(entry);
    return null;
  }

  async update(...[id, change]: Parameters<Blacklist['update']>): ReturnType<Blacklist['update']> {
    const before = this.entries.get(id);
    if (before === undefined) return 'not-found';
    const after = { ...before, ...change };
    if ((await this.byNetworks([after.network])).some((other) => other.id !== id)) return 'taken';
    this.entries.set(id, after);
    return 'changed';
  }

  async put(entry: BlacklistEntry): Promise<void> {
    for (const [id, other] of this.entries) if (other.network === entry.network) this.entries.delete(id);
    this.entries.set(entry.id, entry);
  }

  async putAll(entries: readonly BlacklistEntry[]): Promise<void> {
    for (const entry of entries) await this.put(entry);
  }

  async remove(id: string): Promise<boolean> {
    return this.entries.delete(id);
  }
}
