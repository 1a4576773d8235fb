import { SluiceError } from '../../domain/errors.ts';

/**
 * The answer of an operation, or `STORE_UNAVAILABLE` after `milliseconds`. The operation itself goes on: a write that
 * is reported failed may be there all the same, so whoever repeats it uses the same `_id`.
 */
export async function within<T>(milliseconds: number, operation: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new SluiceError('STORE_UNAVAILABLE', `The database did not answer within ${milliseconds / 1_000} s`));
  }, milliseconds);
  try {
    return await Promise.race([operation, late]);
  } finally {
    clearTimeout(timer);
  }
}
