import { applyPatch, type Patch } from './layers.ts';
import { type SchemaAt, seed } from './seed.ts';
import { entryKeys, isRecord, type SettingPath, showPath } from './setting-path.ts';

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

/** The patch without a path, and without the objects that are left empty by it. */
export function withoutPath(patch: Patch, [key = '', ...rest]: SettingPath): Patch {
  const { [key]: value, ...others } = patch;
  const left = rest.length > 0 && isRecord(value) ? withoutPath(value, rest) : {};
  return Object.keys(left).length === 0 ? others : { ...others, [key]: left };
}

/**
 * Entries of named lists that the patch changes, and that are gone. One that it adds has its `name` in the patch: what
 * was a change of something else must not become a thing of its own, such as an upstream that has lost its host.
 */
function withoutGround(patch: unknown, value: unknown, path: SettingPath = []): SettingPath[] {
  if (!isRecord(patch)) return [];
  const keys = Array.isArray(value) ? entryKeys(value) : null;
  return Object.entries(patch).flatMap(([key, inner]): SettingPath[] => {
    const here = [...path, key];
    if (!Array.isArray(value) || keys === null) {
      return withoutGround(inner, isRecord(value) ? value[key] : undefined, here);
    }
    if (keys.includes(key)) return withoutGround(inner, value[keys.indexOf(key)], here);
    return isRecord(inner) && !Object.hasOwn(inner, 'name') ? [here] : [];
  });
}

/**
 * The configuration with the overlay over it. Patches of plugins, and of entries of lists, that the file does not name
 * (any more) change nothing; `dormant` tells the ids, and the paths: `delivery.config.upstreams.main`.
 */
export function withOverlay(
  value: Patch,
  { plugins, order }: PluginOverlay,
  schemaAt: SchemaAt,
): { readonly value: unknown; readonly applied: Patch; readonly dormant: readonly string[] } {
  const list: readonly unknown[] = Array.isArray(value.plugins) ? value.plugins : [];
  const known = new Set(entryKeys(list));
  const named: Patch = { plugins: Object.fromEntries(Object.entries(plugins).filter(([id]) => known.has(id))) };
  let result: unknown = value;
  for (const path of patchedPaths(named)) result = seed(result, schemaAt, path);
  const asleep = withoutGround(named, result);
  const applied = asleep.reduce(withoutPath, named);
  result = applyPatch(result, applied);
  if (order !== null && isRecord(result) && Array.isArray(result.plugins)) {
    result = { ...result, plugins: inOrder(result.plugins, order) };
  }
  const dormant = [
    ...Object.keys(plugins).filter((id) => !known.has(id)),
    ...asleep.map((path) => showPath(path.slice(1))),
  ];
  return { value: result, applied, dormant };
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
