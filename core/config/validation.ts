import type { z } from 'zod';
import { complaints } from './issue-message.ts';
import type { SchemaNode } from './schema-node.ts';
import { entryKey, isRecord, keyedPath, type SettingPath } from './setting-path.ts';

/** Something wrong at one place of the merged configuration. */
export interface Mistake {
  readonly path: SettingPath;
  readonly message: string;
}

/** Validates `value`, which stands at `base`; paths of the mistakes begin there. `data` is what passed, if it did. */
export async function validate<S extends z.ZodType>(
  schema: S,
  value: unknown,
  base: SettingPath,
  nodeAt: (path: SettingPath) => SchemaNode | undefined,
): Promise<{ data?: z.output<S>; mistakes: Mistake[]; issues: readonly z.core.$ZodIssue[] }> {
  const parsed = await schema.safeParseAsync(value, { reportInput: true });
  if (parsed.success) return { data: parsed.data, mistakes: [], issues: [] };
  const mistakes = parsed.error.issues.flatMap((issue) => {
    const path = [...base, ...keyedPath(value, issue.path)];
    return complaints(issue, nodeAt(path)).map(({ key, message }) => ({
      path: key === undefined ? path : [...path, key],
      message,
    }));
  });
  return { mistakes, issues: parsed.error.issues };
}

/** Entries of lists that share their name with an earlier one. What lists of plugins may hold, their own schemas say. */
export function duplicates(value: unknown, path: SettingPath = []): Mistake[] {
  if (path.length === 3 && path[0] === 'plugins' && path[2] === 'config') return [];
  if (isRecord(value)) return Object.entries(value).flatMap(([key, child]) => duplicates(child, [...path, key]));
  if (!Array.isArray(value)) return [];
  const seen = new Map<string, number>();
  return value.flatMap((entry, index) => {
    const key = entryKey(entry);
    if (key === undefined) return duplicates(entry, [...path, String(index)]);
    const count = (seen.get(key) ?? 0) + 1;
    seen.set(key, count);
    const entryPath = [...path, count === 1 ? key : `${key}#${count}`];
    const hint =
      path.length === 1 && path[0] === 'plugins' ? 'give each an `id` of its own' : 'each needs a name of its own';
    const own = count === 1 ? [] : [{ path: entryPath, message: `is called ${key} like an entry before it; ${hint}` }];
    return [...own, ...duplicates(entry, entryPath)];
  });
}

/** A copy without the values that were complained about, so that what is left can be looked at as a whole. */
export function withoutMistakes(value: unknown, issues: readonly z.core.$ZodIssue[]): unknown {
  const copy: unknown = structuredClone(value);
  for (const issue of issues) {
    const parents = issue.code === 'unrecognized_keys' ? issue.path : issue.path.slice(0, -1);
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [String(issue.path.at(-1))];
    let holder = copy;
    for (const part of parents)
      holder = isRecord(holder) || Array.isArray(holder) ? Reflect.get(holder, part) : undefined;
    if (isRecord(holder)) for (const key of keys) delete holder[key];
  }
  return copy;
}
