import type { z } from 'zod';
import { SluiceError } from '../domain/errors.ts';
import { nodeAt, type PluginNodes } from './environment-names.ts';
import { type SchemaNode, schemaNode } from './schema-node.ts';
import { entryKeys, isRecord, type SettingPath } from './setting-path.ts';
import { type Mistake, validate } from './validation.ts';

/**
 * Finds the schema of a plugin's own settings. `use` is as written in the file, paths in it count from `baseDir`.
 * Undefined: not known, so its settings are not looked at. A SluiceError is reported as a problem of that entry.
 */
export type PluginSchemas = (use: string, baseDir: string) => z.ZodType | undefined | Promise<z.ZodType | undefined>;

interface Entry {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** Entries of `plugins:` with what they are called; those that are no entries are left to the schema to refuse. */
function pluginEntries(configuration: unknown): Entry[] {
  const list: readonly unknown[] =
    isRecord(configuration) && Array.isArray(configuration.plugins) ? configuration.plugins : [];
  const keys = entryKeys(list);
  return list.flatMap((value, index) => (isRecord(value) ? [{ key: keys[index] ?? String(index), value }] : []));
}

/** A schema as the environment and messages see it; one of a foreign kind says nothing about itself. */
function readable(schema: z.ZodType): SchemaNode | undefined {
  try {
    return schemaNode(schema);
  } catch {
    return undefined;
  }
}

/** What is known of the settings of the plugins that a configuration names. */
export class PluginSettingSchemas {
  readonly #schemas: ReadonlyMap<string, z.ZodType | SluiceError>;
  /** By id, as far as they can be read. */
  readonly nodes: PluginNodes;

  private constructor(schemas: ReadonlyMap<string, z.ZodType | SluiceError>) {
    this.#schemas = schemas;
    this.nodes = new Map(
      [...schemas].flatMap(([key, schema]) => {
        const node = schema instanceof SluiceError ? undefined : readable(schema);
        return node === undefined ? [] : [[key, node] as const];
      }),
    );
  }

  static async find(configuration: unknown, baseDir: string, find: PluginSchemas): Promise<PluginSettingSchemas> {
    const schemas = new Map<string, z.ZodType | SluiceError>();
    for (const { key, value } of pluginEntries(configuration)) {
      if (typeof value.use !== 'string') continue;
      try {
        const schema = await find(value.use, baseDir);
        if (schema !== undefined) schemas.set(key, schema);
      } catch (error) {
        if (!(error instanceof SluiceError)) throw error;
        schemas.set(key, error);
      }
    }
    return new PluginSettingSchemas(schemas);
  }

  /** The schema of a place, in the settings of plugins too. */
  nodeAt(root: SchemaNode, path: SettingPath): SchemaNode | undefined {
    const own = path[0] === 'plugins' && path[2] === 'config' ? this.nodes.get(path[1] ?? '') : undefined;
    return own === undefined ? nodeAt(root, path) : nodeAt(own, path.slice(3));
  }

  /** What is wrong with the settings of enabled plugins; one that is off may be wrong, or missing altogether. */
  async mistakes(configuration: unknown): Promise<Mistake[]> {
    const mistakes: Mistake[] = [];
    for (const { key, value } of pluginEntries(configuration)) {
      const schema = this.#schemas.get(key);
      if (schema === undefined || value.enabled === false) continue;
      if (schema instanceof SluiceError) {
        mistakes.push({ path: ['plugins', key, 'use'], message: schema.message });
        continue;
      }
      const node = this.nodes.get(key);
      const found = await validate(schema, value.config ?? {}, ['plugins', key, 'config'], (path) =>
        node === undefined ? undefined : nodeAt(node, path.slice(3)),
      );
      mistakes.push(...found.mistakes);
    }
    return mistakes;
  }
}
