import { SluiceError } from '../../core/domain/errors.ts';

/**
 * A page of a short list that is at hand as a whole; the cursor is the name of the last item shown. Throws
 * `REQUEST_INVALID` where that is not in the list any more.
 */
export function namedPage<T extends { readonly name: string }>(
  items: readonly T[],
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
): { items: T[]; next: string | null } {
  const before = cursor === undefined ? -1 : items.findIndex(({ name }) => name === cursor);
  if (cursor !== undefined && before === -1) {
    const message = 'is not in the list (any more); begin anew';
    throw new SluiceError('REQUEST_INVALID', `query.cursor ${message}`, {
      problems: [{ path: 'query.cursor', message }],
    });
  }
  const shown = items.slice(before + 1, before + 1 + limit);
  return { items: shown, next: before + 1 + limit < items.length ? (shown.at(-1)?.name ?? null) : null };
}
