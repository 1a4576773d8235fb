import { closeSync, existsSync, fsyncSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SluiceError } from '../../domain/errors.ts';
import { migrate } from './migrations.ts';

/** `SLUC`: `file` and other tools tell our databases by it. */
export const applicationId = 0x534c5543;

/** Pages of 4 KB in the WAL after which it is copied into the database: some 80 MB, fewer stalls (performance.md). */
export const checkpointPages = 20_000;

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Opens the only writing connection, creating or migrating the database. */
export async function openForWriting(file: string): Promise<DatabaseSync> {
  const fresh = !existsSync(file) || statSync(file).size === 0;
  // SQLite gives the WAL the same rights: mail and the hashes of passwords are nobody else's.
  if (fresh) closeSync(openSync(file, 'a', 0o600));
  const database = new DatabaseSync(file, { timeout: 5_000 });
  try {
    if (fresh) {
      // Both are fixed by the first write; auto_vacuum set later does nothing.
      database.exec(`PRAGMA auto_vacuum = INCREMENTAL; PRAGMA application_id = ${applicationId}`);
    } else if (database.prepare('PRAGMA application_id').get()?.application_id !== applicationId) {
      throw new SluiceError(
        'STORE_CORRUPT',
        `${file} is not a database of Sluice; move it away or name another folder`,
      );
    }
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA wal_autocheckpoint = ${checkpointPages};
      PRAGMA cache_size = -65536;
      PRAGMA temp_store = MEMORY;
    `);
    await migrate(database, file);
    if (fresh) syncFolder(dirname(file));
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Opens a connection that cannot write; every read on it must be finished at once, or the WAL grows. */
export function openForReading(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
  database.exec('PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY');
  return database;
}
