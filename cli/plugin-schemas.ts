import type { PluginSchemas } from '../core/config/plugin-settings.ts';
import { createPluginLoader } from '../core/pipeline/load-plugin.ts';
import { shippedPlugins } from '../processes/shipped-plugins.ts';

/** Finds the schemas of plugins by reading their modules; nothing is started. */
export const pluginSchemas: PluginSchemas = async (use, baseDir) => {
  const load = createPluginLoader({ shipped: shippedPlugins, folder: baseDir });
  return (await load(use)).config;
};
