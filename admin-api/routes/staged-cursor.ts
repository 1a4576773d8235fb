/*
 * Cursors of lists that are put together of several: `<stage>:<cursor of the part>`.
 */

export const staged = (stage: string, next: string): string => `${stage}:${next}`;

/** The part where a page begins, and its cursor; the first part for what is no cursor of ours. */
export function stageOf<const S extends string>(
  stages: readonly [S, ...S[]],
  cursor: string | undefined,
): { stage: S; after: string | undefined } {
  const colon = cursor?.indexOf(':') ?? -1;
  const stage = stages.find((one) => one === cursor?.slice(0, Math.max(colon, 0)));
  return stage === undefined ? { stage: stages[0], after: undefined } : { stage, after: cursor?.slice(colon + 1) };
}
