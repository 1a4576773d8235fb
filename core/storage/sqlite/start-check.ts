import { SluiceError } from '../../domain/errors.ts';
import { readMark } from './mark.ts';

/**
 * Compares the database with the mark beside it. Throws `STORE_CORRUPT` where the database holds less than was
 * accepted and `acceptLoss` is false; answers a warning where the mark tells nothing.
 */
export function checkMark(
  path: string,
  store: { readonly databaseId: Uint8Array; readonly commitSeq: number },
  acceptLoss: boolean,
): string | null {
  const mark = readMark(path);
  if (mark === null) {
    return store.commitSeq === 0 ? null : `${path} is missing: whether the database is whole cannot be told`;
  }
  if (mark === 'unreadable') return `${path} is damaged: whether the database is whole cannot be told`;
  const other = Buffer.compare(mark.databaseId, store.databaseId) !== 0;
  if (!other && store.commitSeq >= mark.commitSeq) return null;
  const loss = other
    ? `the database is not the one that was used here before, which had ${mark.commitSeq} commits`
    : `the database holds ${store.commitSeq} of ${mark.commitSeq} commits, the last ones are gone`;
  if (acceptLoss) return `${loss}; going on, as asked for`;
  throw new SluiceError(
    'STORE_CORRUPT',
    `${loss}. Accepted mail may be lost: restore the data folder from a backup, or accept the loss with ` +
      '`sluice start --accept-loss`',
  );
}
