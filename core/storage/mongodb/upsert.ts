import { isDuplicateKey } from './store-error.ts';

/** Of two upserts of one key at once MongoDB may fail one with a duplicate key: the document is there now, so again. */
export async function upsert<T>(write: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await write();
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
  }
}
