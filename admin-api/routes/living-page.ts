import type { Page } from '../../core/storage/ports/accounts.ts';

interface PageOptions {
  readonly after?: string;
  readonly limit: number;
}

/** A page without the rows that were deleted: the store lists those, too, since their names stay taken. */
export async function livingPage<T extends { readonly deletedAt: number | null }>(
  list: (options: PageOptions) => Promise<Page<T>>,
  { limit, after }: PageOptions,
): Promise<{ items: T[]; next: string | null }> {
  const items: T[] = [];
  let next = after ?? null;
  do {
    const page = await list({ limit: limit - items.length, ...(next === null ? {} : { after: next }) });
    items.push(...page.items.filter(({ deletedAt }) => deletedAt === null));
    next = page.next;
  } while (next !== null && items.length < limit);
  return { items, next };
}
