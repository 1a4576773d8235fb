import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SluiceError } from '../../domain/errors.ts';
import { refuseMigrated } from './migration-mark.ts';
import { isBusy, storeError } from './store-error.ts';

/** Holds a data folder for this process until closed. */
export interface FolderLock {
  release(): void;
}

function holder(pidFile: string): string {
  try {
    const pid = readFileSync(pidFile, 'utf8').trim();
    return pid === '' ? 'another process' : `process ${pid}`;
  } catch {
    return 'another process';
  }
}

/** The pid only serves the error message above: a full disk must not stop a start that would empty the queue. */
function writePid(pidFile: string): void {
  try {
    writeFileSync(pidFile, `${process.pid}\n`);
  } catch {
    rmSync(pidFile, { force: true });
  }
}

/**
 * Locks the folder. The lock is SQLite's own on an empty database file: the kernel lets go of it when its holder ends,
 * however it ends, so nothing is left behind by kill -9. Node has no other file lock. The pid lies in a file of its own,
 * since closing any descriptor of a locked file would drop the lock (POSIX).
 * Throws `DATA_DIRECTORY_LOCKED` with the holder's pid, `STORE_UNAVAILABLE`, or `CONFLICT` where the folder's mail belongs
 * to a cluster, unless it is locked to migrate it there.
 */
export function lockFolder(folder: string, { migrating = false } = {}): FolderLock {
  if (!migrating) refuseMigrated(folder);
  const pidFile = join(folder, 'pid');
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(join(folder, 'lock'), { timeout: 0 });
    database.exec('PRAGMA journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    if (isBusy(error)) {
      throw new SluiceError(
        'DATA_DIRECTORY_LOCKED',
        `${holder(pidFile)} uses the data folder ${folder}; stop it, or set SLUICE_DATA_DIR to another folder`,
        { cause: error },
      );
    }
    throw storeError(error, false);
  }
  writePid(pidFile);
  const held = database;
  return {
    release() {
      rmSync(pidFile, { force: true });
      held.close();
    },
  };
}
