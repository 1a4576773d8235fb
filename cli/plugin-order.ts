import { hostname } from 'node:os';
import { pino } from 'pino';
import type { LoadedConfiguration } from '../core/config/load.ts';
import { createPluginLoader } from '../core/pipeline/load-plugin.ts';
import { createPipelines, type RunningPlugin } from '../core/pipeline/registry.ts';
import { services } from '../core/pipeline/services.ts';
import { fakeServices } from '../core/pipeline/testing.ts';
import { shippedPlugins } from '../processes/shipped-plugins.ts';

export interface HookOrder {
  /** Null in the worker. */
  readonly listener: string | null;
  readonly hook: string;
  /** Ids, in running order. */
  readonly plugins: readonly string[];
}

/**
 * Starts the plugins of a configuration against services in memory, away from database and network, to see which
 * handles what and in which order; then closes them. Throws what a start would be stopped by, circles in the order too.
 */
export async function pluginOrder(
  loaded: LoadedConfiguration,
): Promise<{ readonly plugins: readonly RunningPlugin[]; readonly order: readonly HookOrder[] }> {
  const { config, baseDir } = loaded;
  const enabled = config.smtp.listeners.filter((listener) => listener.enabled).map(({ name }) => name);
  const found = new Map<string, RunningPlugin>();
  const order: HookOrder[] = [];
  for (const role of ['smtp', 'worker'] as const) {
    const pipelines = await createPipelines({
      entries: config.plugins,
      role,
      services: new Map<symbol, unknown>([
        ...fakeServices(),
        [services.hostname, config.hostname ?? hostname()],
        [services.upstreamBoard, { report: () => {} }],
      ]),
      log: pino({ level: 'silent' }),
      load: createPluginLoader({ shipped: shippedPlugins, folder: baseDir }),
      folder: baseDir,
      listeners: config.smtp.listeners.map(({ name }) => name),
    });
    try {
      for (const plugin of pipelines.plugins()) found.set(plugin.id, plugin);
      for (const listener of role === 'smtp' ? enabled : [null]) {
        order.push(...pipelines.order(listener).map(({ hook, plugins }) => ({ listener, hook, plugins })));
      }
    } finally {
      await pipelines.close();
    }
  }
  return { plugins: [...found.values()], order };
}
