import { entryKeys, isRecord } from './setting-path.ts';

/** A merge patch (RFC 7396) in which lists of things with a `name` or `id` may be patched as objects keyed by it. */
export type Patch = Readonly<Record<string, unknown>>;

function patchList(list: readonly unknown[], patch: Patch): unknown[] {
  const keys = entryKeys(list);
  const kept = list.flatMap((entry, index) => {
    const key = keys[index] ?? '';
    if (!Object.hasOwn(patch, key)) return [entry];
    return patch[key] === null ? [] : [applyPatch(entry, patch[key])];
  });
  const added = Object.entries(patch).filter(([key, value]) => value !== null && !keys.includes(key));
  return [...kept, ...added.map(([name, value]) => applyPatch({ name }, value))];
}

/** Answers `value` with the patch applied; neither is changed. `null` removes a key or an entry. */
export function applyPatch(value: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  if (Array.isArray(value)) return patchList(value, patch);
  const result: Record<string, unknown> = isRecord(value) ? { ...value } : {};
  for (const [key, change] of Object.entries(patch)) {
    if (change === null) delete result[key];
    else result[key] = applyPatch(result[key], change);
  }
  return result;
}

/** The patch that sets one value. */
export const patchAt = (path: readonly string[], value: unknown): Patch =>
  path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Patch;
