import type { Clock } from '../../domain/clock.ts';
import { NetworkTable } from '../../domain/network-table.ts';
import type { Logger } from '../../observability/log.ts';
import type { BlacklistIndex } from '../../pipeline/blacklist-index.ts';
import type { Blacklist, BlacklistEntry } from '../ports/blacklist.ts';
import type { Bus } from '../ports/bus.ts';
import { SerialLoader } from './serial-loader.ts';

/** The stored blacklist in memory: read again when the bus tells of a change, and by polling. */
export class MemoryBlacklistIndex implements BlacklistIndex {
  readonly #blacklist: Blacklist;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #loader: SerialLoader;
  readonly #unsubscribe: () => void;
  #table = new NetworkTable<BlacklistEntry>();

  private constructor(options: { blacklist: Blacklist; bus: Bus; clock: Clock; log: Logger }) {
    this.#blacklist = options.blacklist;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#loader = new SerialLoader(options.log, 'the blacklist');
    this.#unsubscribe = options.bus.subscribe((event) => {
      if (event.kind === 'blacklist') void this.#loader.load(() => this.#read());
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
      await index.#read();
    } catch (error) {
      await index.close();
      throw error;
    }
    index.#loader.poll(() => index.#read(), options.pollMilliseconds ?? 2_000);
    return index;
  }

  match(address: string): BlacklistEntry | undefined {
    const now = this.#clock.now();
    return this.#table.find(address, (entry) => entry.expiresAt === null || entry.expiresAt > now);
  }

  /** Resolves when every change the bus has told of so far is in memory. */
  current(): Promise<void> {
    return this.#loader.idle();
  }

  close(): Promise<void> {
    this.#unsubscribe();
    return this.#loader.close();
  }

  async #read(): Promise<void> {
    const now = this.#clock.now();
    const table = new NetworkTable<BlacklistEntry>();
    for (const entry of await this.#blacklist.all()) {
      if (entry.expiresAt !== null && entry.expiresAt <= now) continue;
      if (!table.add(entry.network, entry)) {
        this.#log.error(
          { entry: entry.id, network: entry.network },
          'a blacklist entry is no network and refuses nobody',
        );
      }
    }
    this.#table = table;
  }
}
