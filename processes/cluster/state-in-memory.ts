import type { Clock } from '../../core/domain/clock.ts';
import type { Logger } from '../../core/observability/log.ts';
import { MemoryBlacklistIndex } from '../../core/storage/memory/blacklist-index.ts';
import { MemoryDirectory } from '../../core/storage/memory/directory.ts';
import type { Accounts } from '../../core/storage/ports/accounts.ts';
import type { Blacklist } from '../../core/storage/ports/blacklist.ts';
import type { Bus } from '../../core/storage/ports/bus.ts';
import type { Closing } from '../closing.ts';

/** What the SMTP path reads without asking the database: kept current by the bus, and by a look every two seconds. */
export async function loadState(
  parts: {
    readonly accounts: Accounts;
    readonly blacklist: Blacklist;
    readonly bus: Bus;
    readonly clock: Clock;
    readonly log: Logger;
    /** `cluster.beat`: how often all of it is looked at, in milliseconds. */
    readonly pollMilliseconds: number;
  },
  closing: Closing,
) {
  const directory = await MemoryDirectory.start({ ...parts, shared: true });
  closing.add('directory', () => directory.close());
  const blacklistIndex = await MemoryBlacklistIndex.start(parts);
  closing.add('blacklist', () => blacklistIndex.close());
  return { directory, blacklistIndex };
}
