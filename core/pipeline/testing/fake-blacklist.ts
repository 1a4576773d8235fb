import { NetworkSet } from '../../domain/ip-network.ts';
import type { Blacklist, BlacklistEntry } from '../../storage/ports/blacklist.ts';
import type { BlacklistIndex } from '../blacklist-index.ts';

/** A blacklist in memory; `index` shows the same entries at once, expired ones included. */
export class FakeBlacklist implements Blacklist {
  readonly entries = new Map<string, BlacklistEntry>();
  readonly index: BlacklistIndex = {
    match: (address) => {
      const holds = (entry: BlacklistEntry) => new NetworkSet([entry.network]).contains(address);
      const prefix = (entry: BlacklistEntry) => Number(entry.network.split('/')[1]);
      return [...this.entries.values()].filter(holds).toSorted((a, b) => prefix(b) - prefix(a))[0];
    },
  };

  async all(): Promise<readonly BlacklistEntry[]> {
    return [...this.entries.values()];
  }

  async put(entry: BlacklistEntry): Promise<void> {
    for (const [id, other] of this.entries) if (other.network === entry.network) this.entries.delete(id);
    this.entries.set(entry.id, entry);
  }

  async remove(id: string): Promise<boolean> {
    return this.entries.delete(id);
  }
}
