import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildOpenApiDocument } from '../admin-api/openapi.ts';
import { commandLineDocument } from '../cli/documentation.ts';
import { configurationDocument } from '../core/config/documentation.ts';
import { environmentExample } from '../core/config/environment-example.ts';
import { configurationJsonSchema } from '../core/config/json-schema.ts';
import { createPluginLoader } from '../core/pipeline/load-plugin.ts';
import { shippedPlugins } from '../processes/shipped-plugins.ts';
import { harakaReadme } from './haraka-plugins-table.ts';
import { scalingBlocks, withBlocks } from './scaling-blocks.ts';
import { shardScript } from './shard-script.ts';

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** Every file that is made from the code, by its path. */
export async function generatedFiles(): Promise<Map<string, string>> {
  const load = createPluginLoader({ shipped: shippedPlugins, folder: import.meta.dirname });
  const plugins = await Promise.all(Object.keys(shippedPlugins).map(load));
  return new Map([
    ['admin-api/openapi.json', json(buildOpenApiDocument())],
    ['config.env.example', environmentExample()],
    ['deploy/mongodb/shard.js', shardScript()],
    ['configs/schema.json', json(configurationJsonSchema(plugins))],
    ['docs/cli.md', commandLineDocument()],
    ['docs/configuration.md', configurationDocument(plugins)],
    [
      'docs/scaling.md',
      withBlocks(readFileSync(join(import.meta.dirname, '../docs/scaling.md'), 'utf8'), scalingBlocks()),
    ],
    harakaReadme(join(import.meta.dirname, '..')),
  ]);
}
