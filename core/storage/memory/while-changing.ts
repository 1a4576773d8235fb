/**
 * A change is announced before it is made, and made within the 30 s after which the connection it was asked for on is
 * given up.
 */
const settledAfter = 40_000;

/** A reading for a poll: done only while the revision says that something may be changing. */
export function whileChanging(
  revision: () => Promise<string>,
  read: () => Promise<void>,
  now: () => number = () => performance.now(),
): () => Promise<void> {
  let last: string | null = null;
  let changedAt = Number.NEGATIVE_INFINITY;
  return async () => {
    const found = await revision();
    if (found !== last) changedAt = now();
    if (now() - changedAt < settledAfter) await read();
    // Not before: a reading that failed is done again.
    last = found;
  };
}
