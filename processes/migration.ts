import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadServerSecrets } from '../core/accounts/server-secrets.ts';
import type { Config } from '../core/config/schema.ts';
import { systemClock } from '../core/domain/clock.ts';
import { SluiceError } from '../core/domain/errors.ts';
import {
  abandonMigration,
  type Migrated,
  type MigrationStep,
  migrateToMongodb,
} from '../core/migrate/migrate-to-mongodb.ts';
import { createLog } from '../core/observability/log.ts';
import { readMigrationMark } from '../core/storage/sqlite/migration-mark.ts';
import { openStore } from './embedded-store.ts';

const log = createLog({ level: 'fatal', name: 'sluice' });

function uriOf({ mongodb_uri: uri }: Config): string {
  if (uri !== undefined) return uri;
  const message = 'set mongodb_uri (MONGODB_URI) to the database that is to take the data folder in';
  throw new SluiceError('CONFIG_INVALID', message, { problems: [{ path: 'mongodb_uri', message }] });
}

/** Credentials are hashed, and settings sealed, under the key of the data folder: under another one they are worthless. */
async function checkSecretsKey({ data_dir: folder, secrets_key: key }: Config): Promise<void> {
  const file = join(folder, 'secrets.json');
  if (key === undefined || !existsSync(file)) return;
  const kept = await loadServerSecrets({ config: {}, dataDir: folder, mode: 'embedded' });
  if (kept.secretsKey === key) return;
  const message =
    `is another key than the one in ${file}, under which the credentials were hashed: set SLUICE_SECRETS_KEY to that ` +
    '(or delete the file, if it has not been used since secrets_key was set)';
  throw new SluiceError('CONFIG_INVALID', `secrets_key ${message}`, { problems: [{ path: 'secrets_key', message }] });
}

/** Brings the data folder of a configuration into its MongoDB, or goes on with that. */
export async function migrateDataFolder(
  config: Config,
  options: { readonly signal: AbortSignal; readonly progress: (step: MigrationStep) => void },
): Promise<Migrated> {
  const { data_dir: folder, retention } = config;
  const uri = uriOf(config);
  if (!existsSync(join(folder, 'sluice.db'))) {
    throw new SluiceError('NOT_FOUND', `the data folder ${folder} holds no database; set SLUICE_DATA_DIR`);
  }
  await checkSecretsKey(config);
  const mark = readMigrationMark(folder);
  if (mark?.state === 'done') throw new SluiceError('CONFLICT', `${folder} was migrated to ${mark.to} already`);
  if (mark === null) {
    // A start in order: the database becomes that of this release, and what was under way is ended.
    const store = await openStore(config, { acceptLoss: false, log });
    await store.close();
  }
  return migrateToMongodb({ folder, uri, captured: retention.captured, log, clock: systemClock, ...options });
}

export const abandonDataFolderMigration = (config: Config, signal: AbortSignal): Promise<void> =>
  abandonMigration({ folder: config.data_dir, uri: uriOf(config), log, signal });
