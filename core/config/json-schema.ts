import { z } from 'zod';
import { configSchema } from './schema.ts';

/** What a plugin's page in the generated documents is made from. */
export interface DocumentedPlugin {
  readonly name: string;
  readonly summary: string;
  readonly config: z.ZodType;
}

/** Keeps JSON schema's own words: ours mean something to this program only. */
function standard(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(standard);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => !['$schema', 'env', 'secret', 'expected'].includes(key));
  const kept = entries.map(([key, inner]) => [key, standard(inner)]);
  return Object.fromEntries('secret' in value && value.secret === true ? [...kept, ['writeOnly', true]] : kept);
}

/** JSON schema of a plugin's own settings as they are written; secrets are `writeOnly`. */
export const settingsJsonSchema = (schema: z.ZodType) =>
  standard(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' })) as Record<
    string,
    unknown
  >;

/**
 * The JSON schema of the configuration file, for editors. A plugin entry's `config` is described by the plugin that
 * its `use` names.
 */
export function configurationJsonSchema(plugins: readonly DocumentedPlugin[]): Record<string, unknown> {
  const schema = settingsJsonSchema(configSchema);
  const properties = schema.properties as { plugins: { items: Record<string, unknown> } };
  properties.plugins.items.allOf = plugins.map(({ name, config, summary }) => {
    const settings = { description: summary, properties: { config: settingsJsonSchema(config) } };
    return Object.fromEntries([
      ['if', { properties: { use: { const: name } }, required: ['use'] }],
      ['then', settings],
    ]);
  });
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'Configuration of Sluice', ...schema };
}
