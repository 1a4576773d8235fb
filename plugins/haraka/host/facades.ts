import type { HarakaFiles } from 'haraka-config';
import { HarakaPlugin } from './haraka-plugin.ts';
import { type HarakasLog, type LevelName, levelNames } from './harakas-log.ts';
import type { PluginHost } from './plugin-host.ts';
import type { ServerObject } from './server-object.ts';

/** Haraka's `logger`: methods of both spellings, numbers of the levels, and `add_log_methods`. */
export function loggerFacade(log: HarakasLog): Record<string, unknown> {
  const facade: Record<string, unknown> = {
    name: 'logger',
    add_log_methods: (target: unknown, origin?: string) => {
      if (typeof target === 'function') log.addTo(target.prototype);
      else if (typeof target === 'object' && target !== null) log.addTo(target, origin ?? 'core');
    },
    would_log: (level: number) => log.wouldLog(level),
    log: (level: LevelName, data: unknown) => {
      log.write(level, [data]);
      return true;
    },
    dump_logs: () => true,
    levels: {},
  };
  const numbers = facade.levels as Record<string, number>;
  levelNames.forEach((level, index) => {
    const number = levelNames.length - 1 - index;
    const write = (...data: unknown[]) => log.write(level, data);
    numbers[level] = number;
    numbers[`LOG${level}`] = number;
    facade[`LOG${level}`] = number;
    facade[`log${level.toLowerCase()}`] = write;
    facade[level.toLowerCase()] = write;
  });
  return facade;
}

/** Haraka's `plugins`: what runs, of all bridges of the process. */
export function pluginsFacade(
  hosts: ReadonlySet<PluginHost>,
  server: ServerObject,
  files: HarakaFiles,
): Record<string, unknown> {
  const registered = () => Object.fromEntries([...hosts].flatMap((host) => [...host.plugins]));
  return {
    Plugin: HarakaPlugin,
    config: files,
    server,
    get plugin_list() {
      return Object.keys(registered());
    },
    get registered_plugins() {
      return registered();
    },
    get registered_hooks() {
      const hooks: Record<string, unknown[]> = {};
      for (const host of hosts) {
        for (const name of host.hooks.names()) {
          const entries = host.hooks.of(name).map(({ plugin, method, priority }) => ({
            plugin: plugin.name,
            method,
            priority,
            timeout: plugin.timeout,
          }));
          hooks[name] = [...(hooks[name] ?? []), ...entries];
        }
      }
      return hooks;
    },
  };
}

/** Haraka's `connection`: connections come from listeners here, so that there is nothing to create one with. */
export const connectionFacade = (): Record<string, unknown> => ({
  Connection: class Connection {},
  createConnection: () => {
    throw new Error('connections are made by listeners of Sluice; a plugin cannot create one');
  },
});
