import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NewCredential, NewUser } from '../../core/accounts/account-schemas.ts';
import { AccountsService, type IssuedCredential } from '../../core/accounts/accounts-service.ts';
import { Secrets } from '../../core/accounts/secrets.ts';
import { createLog } from '../../core/observability/log.ts';
import { services } from '../../core/pipeline/services.ts';
import { MemoryBlacklistIndex } from '../../core/storage/memory/blacklist-index.ts';
import { MemoryBus } from '../../core/storage/memory/bus.ts';
import { MemoryCounters } from '../../core/storage/memory/counters.ts';
import { MemoryDirectory } from '../../core/storage/memory/directory.ts';
import { MemoryRateLimits } from '../../core/storage/memory/rate-limits.ts';
import { openSqliteStore } from '../../core/storage/sqlite/store.ts';
import { ManualClock } from './manual-clock.ts';

let users = 0;

/**
 * What a single process has besides listeners and worker: a real database in a folder of its own, and over it accounts,
 * directory, blacklist, counters and limits, all by a clock that the test moves.
 */
export async function startSingleProcess() {
  const clock = new ManualClock();
  const log = createLog({ level: 'silent' });
  const folder = await mkdtemp(join(tmpdir(), 'sluice-single-'));
  const store = await openSqliteStore({
    folder,
    log,
    ambiguousDelay: 600_000,
    freeSpace: 0,
    reserve: 0,
    unwritten: 64 * 1024 * 1024,
    retention: { captured: 86_400_000, log: 86_400_000, receiving: 600_000 },
    sweep: 3_600_000,
  });
  const { accounts, apiAccess, blacklist } = store;
  const bus = new MemoryBus(log);
  const secrets = new Secrets({ secretsKey: 'a key that is only used in tests, of some length', concurrency: 1 });
  const counters = new MemoryCounters({ clock });
  const rateLimits = new MemoryRateLimits({ clock });
  const directory = await MemoryDirectory.start({ accounts, bus, log, pollMilliseconds: 3_600_000 });
  const index = { blacklist, bus, clock, log, pollMilliseconds: 3_600_000 };
  const blacklistIndex = await MemoryBlacklistIndex.start(index);
  const service = new AccountsService({
    accounts,
    apiAccess,
    secrets,
    bus,
    clock,
    quotas: { daily_default: null, hourly_default: null },
    directoryCurrent: () => directory.current(),
  });

  /** A credential of a new user, both made as the API makes them. */
  const issue = async (
    credential: Omit<NewCredential, 'name'> = {},
    user: Partial<NewUser> = {},
  ): Promise<IssuedCredential> => {
    users += 1;
    const owner = { username: `user${users}`, email: `user${users}@example.com`, password: 'password123', ...user };
    const { id } = await service.createUser(owner);
    return service.createCredential(id, { name: 'test', ...credential });
  };

  const close = async () => {
    await blacklistIndex.close();
    await directory.close();
    await store.close();
    rmSync(folder, { recursive: true });
  };
  return {
    clock,
    log,
    store,
    accounts,
    apiAccess,
    blacklist,
    blacklistIndex,
    bus,
    counters,
    directory,
    rateLimits,
    secrets,
    service,
    issue,
    /** For plugins, by token. */
    services: new Map<symbol, unknown>([
      [services.accounts, accounts],
      [services.blacklist, blacklist],
      [services.blacklistIndex, blacklistIndex],
      [services.bus, bus],
      [services.clock, clock],
      [services.counters, counters],
      [services.directory, directory],
      [services.rateLimits, rateLimits],
      [services.secretVerifier, secrets],
    ]),
    close,
    [Symbol.asyncDispose]: close,
  };
}

export type SingleProcess = Awaited<ReturnType<typeof startSingleProcess>>;
