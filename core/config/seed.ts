import { applyPatch, patchAt } from './layers.ts';
import { isKeyedList, type SchemaNode } from './schema-node.ts';
import { entryKey, isRecord, type SettingPath } from './setting-path.ts';

export type SchemaAt = (path: SettingPath) => SchemaNode | undefined;

/** Puts defaults where a path leads through a list that is not written down: a patch by name needs a list to go into. */
export function seed(value: unknown, schemaAt: SchemaAt, path: SettingPath): unknown {
  let inner = value;
  for (let depth = 0; depth < path.length; depth++) {
    const here = path.slice(0, depth);
    if (inner === undefined) {
      const node = schemaAt(here) ?? {};
      const initial = node.default ?? (isKeyedList(node) ? [] : {});
      return seed(applyPatch(value, patchAt(here, initial)), schemaAt, path);
    }
    const key = path[depth] ?? '';
    if (Array.isArray(inner)) inner = inner.find((each) => entryKey(each) === key) ?? {};
    else inner = isRecord(inner) ? inner[key] : {};
  }
  return value;
}
