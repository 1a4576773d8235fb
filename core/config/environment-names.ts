import { childNode, isKeyedList, itemsOf, propertiesOf, type SchemaNode } from './schema-node.ts';
import { entryKeys, isRecord, type SettingPath } from './setting-path.ts';

/** A setting that the environment can set: where it is, and what it takes. */
export interface NamedSetting {
  readonly path: SettingPath;
  readonly node: SchemaNode;
}

/** `relay` → `RELAY`, `require_login` → `REQUIRE_LOGIN`, `domain-whitelist` → `DOMAIN_WHITELIST`. */
export const environmentWord = (key: string): string => key.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_');

/** What an entry of a named list goes by, and so is not set through that name. */
export const isEntryKey = (key: string): boolean => ['name', 'id', 'use'].includes(key);

const join = (words: readonly string[]): string => `SLUICE_${words.join('__')}`;
const isGroup = (node: SchemaNode): boolean => Object.keys(propertiesOf(node)).length > 0;

/** Schemas of plugins' own settings by plugin id; a plugin that is not among them takes any key. */
export type PluginNodes = ReadonlyMap<string, SchemaNode>;

/**
 * Every name under which the environment can set something, given what the file holds: `SLUICE_` and the path in upper
 * case, `__` between levels; named lists as a whole and their entries by name; settings of a plugin right under its id; and the
 * names that the schema gives by `env`.
 */
export function environmentNames(root: SchemaNode, value: unknown, plugins: PluginNodes): Map<string, NamedSetting> {
  const names = new Map<string, NamedSetting>();

  const visit = (node: SchemaNode, given: unknown, path: SettingPath, words: readonly string[]): void => {
    const current = given ?? node.default;
    if (isKeyedList(node)) {
      if (path.join('.') !== 'plugins') names.set(join(words), { path, node });
      visitEntries(node, Array.isArray(current) ? current : [], path, words);
    } else if (!isGroup(node)) {
      names.set(join(words), { path, node });
      if (node.env !== undefined) names.set(node.env, { path, node });
    } else {
      for (const [key, child] of Object.entries(propertiesOf(node))) {
        const inside = isRecord(current) ? current[key] : undefined;
        visit(child, inside, [...path, key], [...words, environmentWord(key)]);
      }
    }
  };

  const visitEntries = (list: SchemaNode, entries: unknown[], path: SettingPath, words: readonly string[]): void => {
    entryKeys(entries).forEach((key, index) => {
      const entry = entries[index];
      const entryWords = [...words, environmentWord(key)];
      for (const [name, child] of Object.entries(propertiesOf(itemsOf(list) ?? {}))) {
        if (isEntryKey(name)) continue;
        const inside = isRecord(entry) ? entry[name] : undefined;
        visit(child, inside, [...path, key, name], [...entryWords, environmentWord(name)]);
      }
      const own = path.join('.') === 'plugins' ? plugins.get(key) : undefined;
      if (own === undefined || !isRecord(entry)) return;
      for (const level of [entryWords, [...entryWords, 'CONFIG']])
        visit(own, entry.config, [...path, key, 'config'], level);
    });
  };

  visit(root, value, [], []);
  return names;
}

/** `SLUICE_PLUGINS__<ID>__<KEY>` of a plugin whose schema is not known: the key is taken as it is. */
export function freePluginSetting(variable: string, value: unknown, plugins: PluginNodes): NamedSetting | undefined {
  const [root, id, ...rest] = variable.replace(/^SLUICE_/, '').split('__');
  if (root !== 'PLUGINS' || id === undefined || rest.length === 0) return undefined;
  const entries = isRecord(value) && Array.isArray(value.plugins) ? value.plugins : [];
  const key = entryKeys(entries).find((each) => environmentWord(each) === id);
  if (key === undefined || plugins.has(key)) return undefined;
  const keys = rest[0] === 'CONFIG' && rest.length > 1 ? rest.slice(1) : rest;
  return { path: ['plugins', key, 'config', ...keys.map((word) => word.toLowerCase())], node: {} };
}

/** Follows a path through a schema. */
export const nodeAt = (root: SchemaNode, path: SettingPath): SchemaNode | undefined =>
  path.reduce<SchemaNode | undefined>((node, key) => (node === undefined ? undefined : childNode(node, key)), root);
