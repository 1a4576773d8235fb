import type { PluginEntry } from '../core/config/schema.ts';
import type { PipelineSet } from '../core/pipeline/registry.ts';
import type { PluginRuntime } from '../core/settings/settings-versions.ts';

/** The pipelines of the roles a process has, changed together or not at all. */
export function pluginRuntime(
  sets: readonly Pick<PipelineSet, 'swap' | 'rehearse'>[],
  inForce: () => { readonly plugins: readonly PluginEntry[]; readonly version: number },
): PluginRuntime {
  return {
    async apply(plugins, version) {
      const before = inForce();
      const done: (typeof sets)[number][] = [];
      try {
        for (const set of sets) {
          await set.swap(plugins, version);
          done.push(set);
        }
      } catch (error) {
        for (const set of done.toReversed()) await set.swap(before.plugins, before.version);
        throw error;
      }
    },
    async rehearse(plugins) {
      for (const set of sets) await set.rehearse(plugins);
    },
  };
}
