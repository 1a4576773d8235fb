import { SluiceError } from '../../core/domain/errors.ts';
import type { Caller } from '../route.ts';

/** Administrators see everything, users what is theirs. What a caller may not see is not there: 404, never 403. */
export const maySee = (caller: Caller, ownerId: string | null): boolean =>
  caller.role === 'admin' || (caller.userId !== null && caller.userId === ownerId);

/**
 * Makes the function that reads one thing for a caller. Throws NOT_FOUND for what is not there, was deleted or belongs
 * to another, all in the same words: nobody finds out which it is.
 */
export const visibleOnly =
  <T extends object>(what: string, read: (id: string) => Promise<T | null>, ownerOf: (found: T) => string) =>
  async (caller: Caller, id: string): Promise<T> => {
    const found = await read(id);
    const deleted = found !== null && 'deletedAt' in found && found.deletedAt !== null;
    if (found !== null && !deleted && maySee(caller, ownerOf(found))) return found;
    throw new SluiceError('NOT_FOUND', `there is no such ${what}`);
  };

/** Whose things a list shows: for a user always their own. Throws FORBIDDEN for a user who asks for another's. */
export function ownerFilter(caller: Caller, asked: string | undefined): { ownerId?: string } {
  if (caller.role === 'admin') return asked === undefined ? {} : { ownerId: asked };
  if (caller.userId === null || (asked !== undefined && asked !== caller.userId)) {
    throw new SluiceError('FORBIDDEN', 'only administrators may look at what belongs to others');
  }
  return { ownerId: caller.userId };
}
