import type { LoadedConfiguration } from '../config/load.ts';
import type { PluginSchemas } from '../config/plugin-settings.ts';
import { redact, type ShownSetting } from '../config/redact.ts';
import { restartNeeded } from '../config/restart-needed.ts';
import type { Problem } from '../domain/errors.ts';
import type { PluginAdministration } from './plugin-administration.ts';

/** What a process runs by, and what of its file it does not. */
export interface ConfigurationInForce {
  readonly file: string;
  /** Every setting, secrets hidden. */
  readonly settings: readonly ShownSetting[];
  readonly warnings: readonly Problem[];
  /** Settings that changed in file or environment and wait for the next start, as shown paths. */
  readonly waiting: readonly string[];
  /** By plugin id, settings whose value in the file changed since the API set them: the API's stay in force. */
  readonly drift: readonly { readonly plugin: string; readonly settings: readonly string[] }[];
  /** Ids of plugins, and paths of entries of lists, that the API changed and the file does not name. */
  readonly dormant: readonly string[];
}

/**
 * Answers the configuration that is in force: of the plugins what was put in force last, of all else what the process
 * was started with.
 */
export function configurationInForce(options: {
  readonly started: LoadedConfiguration;
  readonly plugins: Pick<PluginAdministration, 'loaded' | 'describe'>;
  readonly schemas: PluginSchemas;
}): () => Promise<ConfigurationInForce> {
  const { started, plugins, schemas } = options;
  return async () => {
    const { loaded } = plugins;
    const inForce: Parameters<typeof redact>[0] = {
      config: { ...started.config, plugins: loaded.config.plugins },
      baseDir: loaded.baseDir,
      origin: (path) => (path[0] === 'plugins' ? loaded : started).origin(path),
    };
    const described = await plugins.describe();
    return {
      file: started.file,
      settings: await redact(inForce, schemas),
      warnings: loaded.warnings,
      waiting: restartNeeded(started.config, loaded.config),
      drift: described.flatMap(({ id, drift }) => (drift.length === 0 ? [] : [{ plugin: id, settings: drift }])),
      dormant: loaded.dormant,
    };
  };
}
