import type { Config } from '../core/config/schema.ts';
import type { SluiceError } from '../core/domain/errors.ts';
import type { Logger } from '../core/observability/log.ts';
import { openSqliteStore, type SqliteStore } from '../core/storage/sqlite/store.ts';

/** Opens the database of embedded mode as the configuration says. Rejects as `openSqliteStore` does. */
export function openStore(
  config: Config,
  options: { acceptLoss: boolean; log: Logger; onFailure?: (error: SluiceError) => void },
): Promise<SqliteStore> {
  const { retention, smtp, worker } = config;
  return openSqliteStore({
    folder: config.data_dir,
    ambiguousDelay: worker.ambiguous_delay,
    freeSpace: retention.free_space,
    unwritten: smtp.limits.unwritten,
    retention: { captured: retention.captured, log: retention.log, receiving: smtp.limits.data_timeout * 2 },
    sweep: worker.sweep,
    ...options,
  });
}
