import type { LoadedConfiguration } from '../config/load.ts';
import type { Origin } from '../config/origins.ts';
import type { PluginEntry } from '../config/schema.ts';
import { pluginEntrySchema } from '../config/schema.ts';
import { type SchemaNode, schemaNode } from '../config/schema-node.ts';
import { hidden, replaceSecrets, settingsIn } from '../config/secret-settings.ts';
import { showPath } from '../config/setting-path.ts';
import type { Plugin } from '../pipeline/plugin.ts';

const entryNode = schemaNode(pluginEntrySchema);

/** The schema of a plugin's entry, its own settings included. */
export function entrySchema(plugin: Plugin | null): SchemaNode {
  const config = plugin === null ? {} : schemaNode(plugin.config);
  return { ...entryNode, properties: { ...entryNode.properties, config } };
}

export const idOf = (entry: PluginEntry): string => entry.id ?? entry.use;

/** Where one setting of a plugin has its value from. */
export interface SettingOrigin {
  /** From the entry on: `config.time_zone`. */
  readonly path: string;
  readonly origin: Origin;
}

/** A plugin of the configuration in force. */
export interface PluginDescription {
  readonly id: string;
  readonly use: string;
  /** Null where it is off and cannot be read. */
  readonly plugin: Plugin | null;
  readonly entry: PluginEntry;
  /** Its own settings as they were written, secrets hidden. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly origins: readonly SettingOrigin[];
  /** Settings whose value in the file changed since the API set them: the API's stays in force. */
  readonly drift: readonly string[];
}

export function describePlugin(
  entry: PluginEntry,
  plugin: Plugin | null,
  loaded: LoadedConfiguration,
  drift: readonly string[],
): PluginDescription {
  const id = idOf(entry);
  const node = entrySchema(plugin);
  const config = replaceSecrets(entry.config, node.properties?.config, () => hidden) as Record<string, unknown>;
  const { id: _, use, ...settings } = entry;
  const origins = settingsIn(settings, node, []).map(({ path }) => ({
    path: showPath(path),
    origin: loaded.origin(['plugins', id, ...path]),
  }));
  return { id, use, plugin, entry, config, origins, drift };
}

/** One setting that a change changes; secrets are `[hidden]` before and `changed` after. */
export interface SettingDifference {
  readonly path: string;
  /** Null: was not there. */
  readonly before: unknown;
  /** Null: is not there any more. */
  readonly after: unknown;
}

/** What differs between two lists of plugins, with their order if that differs. */
export async function differences(
  before: readonly PluginEntry[],
  after: readonly PluginEntry[],
  load: (use: string) => Promise<Plugin | null>,
): Promise<SettingDifference[]> {
  const flat = async (entries: readonly PluginEntry[]) => {
    const settings = new Map<string, { text: string; value: unknown; secret: boolean }>();
    for (const entry of entries) {
      for (const { path, value, secret } of settingsIn(entry, entrySchema(await load(entry.use)), [])) {
        settings.set(showPath(['plugins', idOf(entry), ...path]), { text: JSON.stringify(value) ?? '', value, secret });
      }
    }
    return settings;
  };
  const [old, now] = [await flat(before), await flat(after)];
  const found: SettingDifference[] = [];
  for (const path of new Set([...old.keys(), ...now.keys()])) {
    const [one, other] = [old.get(path), now.get(path)];
    if (one?.text === other?.text) continue;
    found.push({
      path,
      before: one === undefined ? null : one.secret ? hidden : one.value,
      after: other === undefined ? null : other.secret ? 'changed' : other.value,
    });
  }
  const order = (entries: readonly PluginEntry[]) => entries.map(idOf);
  if (order(before).join('\0') !== order(after).join('\0')) {
    found.push({ path: 'plugins', before: order(before), after: order(after) });
  }
  return found;
}
