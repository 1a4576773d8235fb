/**
 * Settings are named by the keys that lead to them. Entries of lists are named by their `name`, or by a plugin's `id`
 * (default: what it uses), so that a path means the same in the file, the environment and the API's overlay.
 */
export type SettingPath = readonly string[];

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The key of one list entry, or undefined where it has none. */
export function entryKey(entry: unknown): string | undefined {
  if (!isRecord(entry)) return undefined;
  const key = entry.name ?? entry.id ?? entry.use;
  return typeof key === 'string' ? key : undefined;
}

/** Keys of all entries, in order. Entries without a key get their index; of equal keys the later ones get `#2`, `#3`. */
export function entryKeys(list: readonly unknown[]): string[] {
  const seen = new Map<string, number>();
  return list.map((entry, index) => {
    const key = entryKey(entry);
    if (key === undefined) return String(index);
    const count = (seen.get(key) ?? 0) + 1;
    seen.set(key, count);
    return count === 1 ? key : `${key}#${count}`;
  });
}

/** Turns a path with list indexes, as validation reports it, into one with the keys of the entries. */
export function keyedPath(root: unknown, path: readonly PropertyKey[]): SettingPath {
  let value = root;
  return path.map((part) => {
    if (Array.isArray(value)) {
      const index = Number(part);
      const key = entryKeys(value)[index] ?? String(index);
      value = value[index];
      return key;
    }
    value = isRecord(value) ? value[String(part)] : undefined;
    return String(part);
  });
}

/** What stands at a path, entries of lists by their keys; undefined where nothing does. */
export const valueAt = (root: unknown, path: SettingPath): unknown =>
  path.reduce<unknown>((value, key) => {
    if (Array.isArray(value)) return value[entryKeys(value).indexOf(key)];
    return isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  }, root);

export const showPath = (path: SettingPath): string => path.join('.');

/** A path as the key of a map; no key of a YAML file holds a NUL. */
export const pathId = (path: SettingPath): string => path.join('\0');
