import { MongoServerError } from 'mongodb';
import { SluiceError } from '../../domain/errors.ts';

/** Codes of MongoDB (src/mongo/base/error_codes.yml) that we tell apart. */
const code = { duplicateKey: 11000, outOfDiskSpace: 14031, authenticationFailed: 18, unauthorized: 13 };

const hasCode = (error: unknown, wanted: number): boolean => {
  const original = error instanceof SluiceError ? error.cause : error;
  return original instanceof MongoServerError && original.code === wanted;
};

/** True where a unique index refused a write. */
export const isDuplicateKey = (error: unknown): boolean => hasCode(error, code.duplicateKey);

/** True where the login is wrong or may not do this: waiting does not help. */
export const isRefusedLogin = (error: unknown): boolean =>
  hasCode(error, code.authenticationFailed) || hasCode(error, code.unauthorized);

/** The error of the catalogue for what the driver threw. */
export function storeError(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  if (isDuplicateKey(error)) {
    return new SluiceError('CONFLICT', 'It is there already, or its name is taken', { cause: error });
  }
  if (hasCode(error, code.outOfDiskSpace)) {
    return new SluiceError('STORE_FULL', 'There is no room left on the disk of MongoDB; free some', { cause: error });
  }
  if (isRefusedLogin(error)) {
    return new SluiceError('STORE_UNAVAILABLE', 'MongoDB refuses the login; check user, password and rights', {
      cause: error,
    });
  }
  return new SluiceError('STORE_UNAVAILABLE', 'The database does not answer; see the log', { cause: error });
}
