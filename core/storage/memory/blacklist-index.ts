import type { Clock } from '../../domain/clock.ts';
import { NetworkTable } from '../../domain/network-table.ts';
import type { Logger } from '../../observability/log.ts';
import type { BlacklistIndex } from '../../pipeline/blacklist-index.ts';
import type { Blacklist, BlacklistEntry } from '../ports/blacklist.ts';
import { type Bus, wholeBlacklist } from '../ports/bus.ts';
import { SerialLoader } from './serial-loader.ts';
import { whileChanging } from './while-changing.ts';

/** Read at a time: a hundred thousand entries at once would hold up the mail of this thread. */
const pageSize = 1_000;

class Entries {
  readonly networks = new NetworkTable<BlacklistEntry>();
  readonly byId = new Map<string, BlacklistEntry>();

  /** False if it is no network. */
  put(entry: BlacklistEntry): boolean {
    this.drop(entry.id);
    if (!this.networks.add(entry.network, entry)) return false;
    this.byId.set(entry.id, entry);
    return true;
  }

  drop(id: string): void {
    const known = this.byId.get(id);
    if (known === undefined) return;
    this.byId.delete(id);
    // Unless another entry took its place meanwhile.
    this.networks.remove(known.network, known);
  }
}

/** The stored blacklist in memory: a change is read when the bus tells of it, everything again by polling. */
export class MemoryBlacklistIndex implements BlacklistIndex {
  readonly #blacklist: Blacklist;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #loader: SerialLoader;
  readonly #unsubscribe: () => void;
  #entries = new Entries();

  private constructor(options: { blacklist: Blacklist; bus: Bus; clock: Clock; log: Logger }) {
    this.#blacklist = options.blacklist;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#loader = new SerialLoader(options.log, 'the blacklist');
    this.#unsubscribe = options.bus.subscribe((event) => {
      if (event.kind === 'missed') void this.#loader.load(() => this.#readAll());
      if (event.kind !== 'blacklist') return;
      void this.#loader.load(() => (event.id === wholeBlacklist ? this.#readAll() : this.#readOne(event.id)));
    });
  }

  /** Resolves when the list is loaded; rejects if the database cannot be read. */
  static async start(options: {
    blacklist: Blacklist;
    bus: Bus;
    clock: Clock;
    log: Logger;
    pollMilliseconds?: number;
  }): Promise<MemoryBlacklistIndex> {
    const index = new MemoryBlacklistIndex(options);
    try {
      await index.#readAll();
    } catch (error) {
      await index.close();
      throw error;
    }
    const { blacklist } = options;
    const read = () => index.#readAll();
    const poll = blacklist.revision === undefined ? read : whileChanging(blacklist.revision, read);
    index.#loader.poll(poll, options.pollMilliseconds ?? 2_000);
    return index;
  }

  match(address: string): BlacklistEntry | undefined {
    const now = this.#clock.now();
    return this.#entries.networks.find(address, (entry) => entry.expiresAt === null || entry.expiresAt > now);
  }

  /** Resolves when every change the bus has told of so far is in memory. */
  current(): Promise<void> {
    return this.#loader.idle();
  }

  close(): Promise<void> {
    this.#unsubscribe();
    return this.#loader.close();
  }

  async #readOne(id: string): Promise<void> {
    const entry = await this.#blacklist.get(id);
    if (entry === null) this.#entries.drop(id);
    else this.#put(this.#entries, entry);
  }

  async #readAll(): Promise<void> {
    const entries = new Entries();
    const filter = { inForceAt: this.#clock.now() };
    let after: string | null = null;
    do {
      const options: { after?: string; limit: number } =
        after === null ? { limit: pageSize } : { after, limit: pageSize };
      const page = await this.#blacklist.list(filter, options);
      for (const entry of page.items) this.#put(entries, entry);
      after = page.next;
    } while (after !== null);
    this.#entries = entries;
  }

  #put(entries: Entries, entry: BlacklistEntry): void {
    if (entries.put(entry)) return;
    const { id, network } = entry;
    this.#log.error({ entry: id, network }, 'a blacklist entry is no network and refuses nobody');
  }
}
