import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { CoreModules } from './core-modules.ts';
import type { HarakaPlugin } from './haraka-plugin.ts';

const isNotFound = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND';

/**
 * `require` as a file plugin knows it: `./config` is its configuration, `./name` a module of Haraka's core where there is
 * one, other relative paths start at its own file, and packages are those of the site, of Haraka, or of Sluice.
 */
export function sandboxedRequire(file: string, plugin: HarakaPlugin, modules: CoreModules): (name: string) => unknown {
  const near = createRequire(file);
  return (name) => {
    if (name === './config') return plugin.config;
    if (name.startsWith('./') && modules.has(name)) return modules.named(name);
    if (name.startsWith('.')) return modules.at(join(dirname(file), name)) ?? near(name);
    try {
      return near(name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      const elsewhere = modules.fromElsewhere(name);
      if (elsewhere === undefined) throw error;
      return elsewhere;
    }
  };
}
