import { applyPatch, type Patch } from './layers.ts';
import { type SchemaAt, seed } from './seed.ts';
import { entryKeys, isRecord, type SettingPath } from './setting-path.ts';

/** What was changed through the API: merge patches of plugin entries by id, and the order of the list. */
export interface PluginOverlay {
  readonly plugins: Readonly<Record<string, Patch>>;
  /** Ids; those not named stay behind in the order of the file. Null: as in the file. */
  readonly order: readonly string[] | null;
}

export const noOverlay: PluginOverlay = { plugins: {}, order: null };

/** Paths of everything a patch sets or removes: what is no object, and empty objects. */
export function patchedPaths(patch: unknown, path: SettingPath = []): SettingPath[] {
  if (!isRecord(patch) || Object.keys(patch).length === 0) return path.length === 0 ? [] : [path];
  return Object.entries(patch).flatMap(([key, inner]) => patchedPaths(inner, [...path, key]));
}

function inOrder(list: readonly unknown[], order: readonly string[]): unknown[] {
  const places = new Map(order.map((id, place) => [id, place]));
  const keys = entryKeys(list);
  return list
    .map((entry, index) => ({ entry, place: places.get(keys[index] ?? '') ?? order.length + index }))
    .sort((a, b) => a.place - b.place)
    .map(({ entry }) => entry);
}

/**
 * The configuration with the overlay over it. Patches of plugins that the file does not name (any more) change
 * nothing; `dormant` tells their ids.
 */
export function withOverlay(
  value: Patch,
  { plugins, order }: PluginOverlay,
  schemaAt: SchemaAt,
): { readonly value: unknown; readonly applied: Patch; readonly dormant: readonly string[] } {
  const list: readonly unknown[] = Array.isArray(value.plugins) ? value.plugins : [];
  const known = new Set(entryKeys(list));
  const applied = { plugins: Object.fromEntries(Object.entries(plugins).filter(([id]) => known.has(id))) };
  let result: unknown = value;
  for (const path of patchedPaths(applied)) result = seed(result, schemaAt, path);
  result = applyPatch(result, applied);
  if (order !== null && isRecord(result) && Array.isArray(result.plugins)) {
    result = { ...result, plugins: inOrder(result.plugins, order) };
  }
  return { value: result, applied, dormant: Object.keys(plugins).filter((id) => !known.has(id)) };
}

/**
 * One patch that does what `first` and then `second` do. Only where `first` removes something and `second` puts an
 * object there, what lay beneath shines through again.
 */
export function composedPatch(first: Patch, second: Patch): Patch {
  const result: Record<string, unknown> = { ...first };
  for (const [key, change] of Object.entries(second)) {
    const before = result[key];
    if (isRecord(before) && isRecord(change)) result[key] = composedPatch(before, change);
    else result[key] = Array.isArray(before) && isRecord(change) ? applyPatch(before, change) : change;
  }
  return result;
}
