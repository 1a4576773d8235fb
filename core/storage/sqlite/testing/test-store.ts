import { createLog } from '../../../observability/log.ts';
import { openSqliteStore, type SqliteStore, type SqliteStoreOptions } from '../store.ts';

/** Opens a store for a test: nothing is logged, nothing swept by itself, no low-water mark. */
export const openTestStore = (folder: string, change: Partial<SqliteStoreOptions> = {}): Promise<SqliteStore> =>
  openSqliteStore({
    folder,
    log: createLog({ level: 'silent' }),
    ambiguousDelay: 600_000,
    freeSpace: 0,
    reserve: 0,
    unwritten: 64 * 1024 * 1024,
    retention: { captured: 86_400_000, log: 86_400_000, receiving: 600_000 },
    sweep: 3_600_000,
    ...change,
  });
