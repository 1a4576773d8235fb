import { childNode, type SchemaNode } from './schema-node.ts';
import { entryKeys, isRecord, type SettingPath } from './setting-path.ts';

/** Stands where a secret is. */
export const hidden = '[hidden]';

/** For settings of plugins whose schema does not mark them. */
const secretName = /secret|password|passphrase|token|api_?key/i;

const isSecret = (node: SchemaNode | undefined, name: string): boolean =>
  node === undefined ? secretName.test(name) : node.secret === true;

/** A single value among settings. */
export interface Setting {
  readonly path: SettingPath;
  readonly value: unknown;
  readonly secret: boolean;
}

/** Every single value beneath `value`, lists of plain values as a whole; secrets are marked, not hidden. */
export function settingsIn(value: unknown, node: SchemaNode | undefined, path: SettingPath): Setting[] {
  const secret = isSecret(node, path.at(-1) ?? '');
  if (!secret && isRecord(value) && Object.keys(value).length > 0) {
    return Object.entries(value).flatMap(([key, inner]) =>
      settingsIn(inner, node && childNode(node, key), [...path, key]),
    );
  }
  if (!secret && Array.isArray(value) && value.some(isRecord)) {
    const keys = entryKeys(value);
    return value.flatMap((inner, index) => {
      const key = keys[index] ?? String(index);
      return settingsIn(inner, node && childNode(node, key), [...path, key]);
    });
  }
  return [{ path, value, secret }];
}

/** A copy in which every secret is what `replace` makes of it; undefined leaves it out. */
export function replaceSecrets(
  value: unknown,
  node: SchemaNode | undefined,
  replace: (secret: unknown) => unknown,
  name = '',
): unknown {
  if (value !== null && isSecret(node, name)) return replace(value);
  if (Array.isArray(value)) {
    const keys = entryKeys(value);
    return value.map((inner, index) =>
      replaceSecrets(inner, node && childNode(node, keys[index] ?? String(index)), replace, name),
    );
  }
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => [
    key,
    replaceSecrets(inner, node && childNode(node, key), replace, key),
  ]);
  return Object.fromEntries(entries.filter(([, inner]) => inner !== undefined));
}
