import { isDeepStrictEqual } from 'node:util';
import type { Config } from './schema.ts';
import { entryKeys, isRecord, type SettingPath, showPath } from './setting-path.ts';

type Parts = ReadonlyMap<string, unknown>;

/** What a value consists of, entries of lists by their keys; null for one that has no parts with names. */
function partsOf(value: unknown): Parts | null {
  if (isRecord(value)) return new Map(Object.entries(value));
  if (!Array.isArray(value) || !value.every(isRecord)) return null;
  const keys = entryKeys(value);
  return new Map(value.map((entry, index) => [keys[index] ?? String(index), entry]));
}

function differences(before: unknown, after: unknown, path: SettingPath): SettingPath[] {
  if (isDeepStrictEqual(before, after)) return [];
  const [old, now] = [partsOf(before), partsOf(after)];
  if (old === null || now === null) return [path];
  const keys = new Set([...old.keys(), ...now.keys()]);
  return [...keys].flatMap((key) => differences(old.get(key), now.get(key), [...path, key]));
}

/**
 * Settings that differ, as shown paths, among those that a running process cannot take up: all but the plugins. Only
 * names are answered, since some of the values are secrets.
 */
export function restartNeeded(running: Config, read: Config): string[] {
  const { plugins: _, ...before } = running;
  const { plugins: __, ...after } = read;
  return differences(before, after, []).map(showPath);
}
