import { backup, type DatabaseSync } from 'node:sqlite';
import { SluiceError } from '../../domain/errors.ts';
import { addApiAccess, addSessionDetails } from './api-access-schema.ts';
import { orderBlacklist } from './blacklist-schema.ts';
import { addEvents } from './events-schema.ts';
import { createSchema } from './schema.ts';
import { addSettings } from './settings-schema.ts';
import { addDetailedStatistics } from './statistics-schema.ts';

/** One step forward; the version it leads to is its place in the list, counted from 1. */
export type Migration = (database: DatabaseSync) => void;

export const migrations: readonly Migration[] = [
  createSchema,
  addApiAccess,
  addSettings,
  orderBlacklist,
  addEvents,
  addDetailedStatistics,
  addSessionDetails,
];

const versionOf = (database: DatabaseSync): number =>
  Number(database.prepare('PRAGMA user_version').get()?.user_version);

/**
 * Brings a database to the newest version, each step in a transaction of its own. Before a step that changes an
 * existing database a copy is made beside it, named `<file>.v<version>`. Throws `STORE_NEWER`.
 */
export async function migrate(
  database: DatabaseSync,
  file: string,
  steps: readonly Migration[] = migrations,
): Promise<void> {
  const found = versionOf(database);
  if (found > steps.length) {
    throw new SluiceError(
      'STORE_NEWER',
      `The database has version ${found}, this Sluice knows versions up to ${steps.length}; install the newer Sluice`,
    );
  }
  for (let version = found; version < steps.length; version += 1) {
    if (found > 0) await backup(database, `${file}.v${version}`);
    database.exec('BEGIN IMMEDIATE');
    try {
      steps[version]?.(database);
      database.exec(`PRAGMA user_version = ${version + 1}`);
      database.exec('COMMIT');
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  }
}
