import { z } from 'zod';
import { SluiceError } from '../../core/domain/errors.ts';

/** Headers of a route that changes one version of something, and the errors that come of them. */
export const versionHeaders = z.object({
  'if-match': z
    .string()
    .max(1_000)
    .optional()
    .describe('Needed: the ETag of what you read, or `*` to change whatever is there')
    .meta({ examples: ['*'] }),
});
export const versionErrors = ['PRECONDITION_FAILED', 'PRECONDITION_REQUIRED'] as const;

/** The version of what changes only together with its `updatedAt`. */
const tagOf = (updatedAt: number): string => `"${updatedAt.toString(36)}"`;

/** Headers of an answer that shows something with versions. */
export const versionOf = ({ updatedAt }: { readonly updatedAt: number }) => ({ etag: tagOf(updatedAt) });

/** True where `If-None-Match` names this version: weak comparison (RFC 9110 §13.1.2), `*` for whatever is there. */
export const hasVersion = (ifNoneMatch: string | undefined, etag: string): boolean =>
  ifNoneMatch !== undefined &&
  (ifNoneMatch.trim() === '*' || Array.from(ifNoneMatch.matchAll(/"[^"]*"/g), ([tag]) => tag).includes(etag));

/**
 * The version that the client means to change, compared again when it is written. Empty for `If-Match: *`, which means
 * whatever is there. Throws PRECONDITION_REQUIRED without the header, PRECONDITION_FAILED for another version.
 */
export function expectedVersion(
  { 'if-match': ifMatch }: z.output<typeof versionHeaders>,
  { updatedAt }: { readonly updatedAt: number },
): { ifUpdatedAt?: number } {
  if (ifMatch === undefined) {
    const text = 'send If-Match with the ETag of what you read, or `*` to change whatever is there';
    throw new SluiceError('PRECONDITION_REQUIRED', text);
  }
  if (ifMatch.trim() === '*') return {};
  const tags = ifMatch.split(',').map((tag) => tag.trim());
  if (tags.includes(tagOf(updatedAt))) return { ifUpdatedAt: updatedAt };
  throw new SluiceError('PRECONDITION_FAILED', 'somebody changed it meanwhile; read it again, then decide anew');
}
