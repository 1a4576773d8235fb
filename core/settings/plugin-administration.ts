import { isDeepStrictEqual } from 'node:util';
import type { LoadedConfiguration } from '../config/load.ts';
import type { PluginEntry } from '../config/schema.ts';
import { type SettingPath, showPath, valueAt } from '../config/setting-path.ts';
import { SluiceError } from '../domain/errors.ts';
import type { Plugin } from '../pipeline/plugin.ts';
import { type EntryPatch, type PatchBase, withoutPart, withoutPatch, withPatch } from './overlay-edits.ts';
import { describePlugin, differences, entrySchema, idOf, type PluginDescription } from './plugin-description.ts';
import { driftedSettings } from './setting-drift.ts';
import {
  type PluginRuntime,
  type SettingsInForce,
  type SettingsOutcome,
  type SettingsRequest,
  SettingsVersions,
  type SettingsVersionsOptions,
} from './settings-versions.ts';

export interface PluginAdministrationOptions extends Omit<SettingsVersionsOptions, 'differences'> {
  readonly load: (use: string) => Promise<Plugin>;
}

/** Null for what cannot be read: a plugin that is off may be missing. */
async function find({ load }: Pick<PluginAdministrationOptions, 'load'>, use: string): Promise<Plugin | null> {
  try {
    return await load(use);
  } catch (error) {
    if (error instanceof SluiceError) return null;
    throw error;
  }
}

/**
 * The settings of the plugins as file, API and environment make them together, and the ways to change what the API
 * set. Each change is a version (`SettingsVersions`).
 */
export class PluginAdministration {
  readonly #options: PluginAdministrationOptions;
  readonly #versions: SettingsVersions;

  private constructor(options: PluginAdministrationOptions, versions: SettingsVersions) {
    this.#options = options;
    this.#versions = versions;
  }

  /** Reads what is to be in force: see `SettingsVersions.prepare`. */
  static async prepare(options: PluginAdministrationOptions): Promise<PluginAdministration> {
    const versions = await SettingsVersions.prepare({
      ...options,
      differences: (before, after) => differences(before, after, (use) => find(options, use)),
    });
    return new PluginAdministration(options, versions);
  }

  /** The version in force runs, in `runtime`; from here on it can be changed. */
  started(runtime: PluginRuntime): Promise<void> {
    return this.#versions.started(runtime);
  }

  /** For the process that follows, with the others of its cluster, what becomes current. */
  get versions(): Pick<SettingsVersions, 'current' | 'follow' | 'tryCandidate'> {
    return this.#versions;
  }

  /** Number of the version in force. */
  get version(): number {
    return this.#versions.current.number;
  }

  /** File, API and environment as they are in force. */
  get loaded(): LoadedConfiguration {
    return this.#versions.current.loaded;
  }

  get plugins(): readonly PluginEntry[] {
    return this.loaded.config.plugins;
  }

  /** The plugins in the order of the configuration. */
  async describe(): Promise<PluginDescription[]> {
    const { loaded, overlay } = this.#versions.current;
    const drift = (entry: PluginEntry) => driftedSettings(idOf(entry), overlay, loaded, this.#options.fingerprint);
    return Promise.all(
      loaded.config.plugins.map(async (entry) =>
        describePlugin(entry, await find(this.#options, entry.use), loaded, drift(entry)),
      ),
    );
  }

  /** Throws `NOT_FOUND`. */
  async describeOne(id: string): Promise<PluginDescription> {
    const found = (await this.describe()).find((plugin) => plugin.id === id);
    if (found === undefined) throw new SluiceError('NOT_FOUND', 'there is no such plugin in the configuration');
    return found;
  }

  history(options: { after?: string; limit: number }) {
    return this.#options.settings.list(options);
  }

  /**
   * Lays a merge patch over a plugin's entry, or what `patch` makes of the settings that are in force at its turn.
   * Throws `NOT_FOUND`, `CONFLICT` for what the environment sets.
   */
  change(
    id: string,
    patch: EntryPatch | ((loaded: LoadedConfiguration) => EntryPatch),
    request: SettingsRequest,
  ): Promise<SettingsOutcome> {
    return this.#versions.propose('change', request, async (current) => {
      const base = await this.#base(id, current);
      return withPatch(base, id, typeof patch === 'function' ? patch(current.loaded) : patch);
    });
  }

  /** Takes away what stands at a path of a plugin's entry. Throws `NOT_FOUND`, `CONFLICT` for what the environment sets. */
  remove(id: string, path: SettingPath, request: SettingsRequest): Promise<SettingsOutcome> {
    return this.#versions.propose('change', request, async (current) => {
      const base = await this.#base(id, current);
      if (valueAt(current.loaded.config, ['plugins', id, ...path]) === undefined) {
        throw new SluiceError('NOT_FOUND', `there is no ${showPath(path)}`);
      }
      return withoutPart(base, id, path);
    });
  }

  async #base(id: string, { overlay, loaded }: SettingsInForce): Promise<PatchBase> {
    const node = entrySchema((await this.describeOne(id)).plugin);
    return { ...this.#options, overlay, loaded, node };
  }

  /** Puts the plugins into this order, which has to name each once; null: that of the file. */
  reorder(order: readonly string[] | null, request: SettingsRequest): Promise<SettingsOutcome> {
    return this.#versions.propose('order', request, async ({ overlay, loaded }) => {
      const ids = loaded.config.plugins.map(idOf).toSorted();
      if (order !== null && !isDeepStrictEqual(order.toSorted(), ids)) {
        const message = `has to name each plugin once: ${ids.join(', ')}`;
        throw new SluiceError('REQUEST_INVALID', `body.order ${message}`, {
          problems: [{ path: 'body.order', message }],
        });
      }
      return { ...overlay, order };
    });
  }

  /** Drops what the API set of a plugin. Throws `NOT_FOUND` where the API set nothing. */
  reset(id: string, request: SettingsRequest): Promise<SettingsOutcome> {
    return this.#versions.propose('reset', request, async ({ overlay }) => withoutPatch(overlay, id));
  }

  /** Puts what the API had set in an earlier version in force again, as a new version. Throws `NOT_FOUND`, `CONFLICT`. */
  rollBack(number: number, request: SettingsRequest): Promise<SettingsOutcome> {
    return this.#versions.propose('roll-back', request, async () => {
      const version = await this.#options.settings.version(number);
      if (version === null) throw new SluiceError('NOT_FOUND', 'there is no such version of the settings');
      if (version.state === 'rejected') {
        throw new SluiceError('CONFLICT', `version ${number} was never in force: ${version.reason ?? 'rejected'}`);
      }
      return version.overlay;
    });
  }

  /** Reads file and environment again. Throws what is wrong with them, and then nothing has changed. */
  async reload(): Promise<void> {
    await this.#versions.propose('reload', { author: null }, async ({ overlay }) => overlay);
  }
}
