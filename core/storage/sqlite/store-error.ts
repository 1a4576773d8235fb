import { SluiceError } from '../../domain/errors.ts';

/** Primary result codes of SQLite (https://sqlite.org/rescode.html) that we tell apart. */
const primary = {
  busy: 5,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  constraint: 19,
  notDatabase: 26,
};

interface SqliteError extends Error {
  readonly errcode: number;
}

const isSqliteError = (error: unknown): error is SqliteError =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number';

const codeOf = (error: unknown): number => (isSqliteError(error) ? error.errcode & 0xff : -1);

/** The code of an error of the file system, or an empty text. */
const systemCode = (error: unknown): string =>
  error instanceof Error && 'syscall' in error && 'code' in error ? String(error.code) : '';

/** True where a unique or check constraint refused one statement; the transaction goes on. */
export const isConstraint = (error: unknown): boolean => codeOf(error) === primary.constraint;

/** True where another process holds the file. */
export const isBusy = (error: unknown): boolean => codeOf(error) === primary.busy;

/** True where the disk, not one statement, is at fault: nothing else in the same transaction can succeed either. */
export function isStorageFault(error: unknown): boolean {
  const code = codeOf(error);
  return (
    code === primary.full ||
    code === primary.ioError ||
    code === primary.readOnly ||
    code === primary.corrupt ||
    code === primary.cannotOpen ||
    code === primary.busy ||
    code === primary.notDatabase
  );
}

/**
 * The error of the catalogue for what SQLite threw. `noRoom` tells that the disk is in fact full: growing the
 * shared-memory file on a full disk is reported as an I/O error, not as `SQLITE_FULL`.
 */
export function storeError(error: unknown, noRoom: boolean): SluiceError {
  if (error instanceof SluiceError) return error;
  const code = codeOf(error);
  const system = systemCode(error);
  if (code === primary.full || system === 'ENOSPC' || (code === primary.ioError && noRoom)) {
    return new SluiceError('STORE_FULL', 'There is no room left on the disk of the data folder; free some', {
      cause: error,
    });
  }
  if (code === primary.corrupt || code === primary.notDatabase) {
    return new SluiceError('STORE_CORRUPT', 'The database file is damaged; restore it from a backup', { cause: error });
  }
  if (code === primary.readOnly || code === primary.cannotOpen || ['EROFS', 'EACCES', 'EPERM'].includes(system)) {
    return new SluiceError('STORE_UNAVAILABLE', 'The database cannot be written; check the rights of the data folder', {
      cause: error,
    });
  }
  return new SluiceError('STORE_UNAVAILABLE', 'The database does not answer; see the log', { cause: error });
}
