import type { LoadedConfiguration } from './load.ts';
import type { Origin } from './origins.ts';
import type { PluginSchemas } from './plugin-settings.ts';
import { configSchema } from './schema.ts';
import { childNode, type SchemaNode, schemaNode } from './schema-node.ts';
import { hidden, settingsIn } from './secret-settings.ts';
import { type SettingPath, showPath } from './setting-path.ts';

export interface ShownSetting {
  readonly path: string;
  /** JSON, or `[hidden]` for a secret. */
  readonly value: string;
  /** `default`, `line 12`, `API` or the name of a variable. */
  readonly from: string;
  readonly origin: Origin;
}

const root = schemaNode(configSchema);

function showOrigin(origin: Origin): string {
  if (origin.layer === 'environment') return origin.variable;
  if (origin.layer === 'file') return `line ${origin.line}`;
  return origin.layer === 'api' ? 'API' : 'default';
}

/** Every setting in force, one a line, with secrets hidden: what may be shown to a person or put into a report. */
export async function redact(
  loaded: Pick<LoadedConfiguration, 'config' | 'baseDir' | 'origin'>,
  schemas: PluginSchemas,
): Promise<ShownSetting[]> {
  const settings: ShownSetting[] = [];

  const visit = (value: unknown, node: SchemaNode | undefined, path: SettingPath): void => {
    for (const setting of settingsIn(value, node, path)) {
      const text = setting.secret ? hidden : (JSON.stringify(setting.value) ?? 'null');
      const origin = loaded.origin(setting.path);
      settings.push({ path: showPath(setting.path), value: text, from: showOrigin(origin), origin });
    }
  };

  const { plugins, ...others } = loaded.config;
  visit(others, root, []);
  for (const { config, ...entry } of plugins) {
    const path = ['plugins', entry.id ?? entry.use];
    visit(entry, childNode(root, 'plugins')?.items, path);
    const schema = await schemas(entry.use, loaded.baseDir);
    if (Object.keys(config).length > 0) visit(config, schema && schemaNode(schema), [...path, 'config']);
  }
  return settings;
}
