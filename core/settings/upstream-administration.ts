import { patchAt } from '../config/layers.ts';
import type { LoadedConfiguration } from '../config/load.ts';
import type { Origin } from '../config/origins.ts';
import type { PluginEntry } from '../config/schema.ts';
import { isRecord, type SettingPath, showPath, valueAt } from '../config/setting-path.ts';
import { SluiceError } from '../domain/errors.ts';
import type { EntryPatch } from './overlay-edits.ts';
import type { PluginAdministration } from './plugin-administration.ts';
import { idOf, type SettingOrigin } from './plugin-description.ts';
import type { SettingsOutcome, SettingsRequest } from './settings-versions.ts';

export interface UpstreamDescription {
  readonly name: string;
  /** False for the capture box that stands in where no upstream is configured: there is nothing to change of it. */
  readonly configured: boolean;
  /** As written, without the name, secrets hidden. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** What put it into the list. */
  readonly origin: Origin;
  /** Of each setting, from the upstream on: `timeouts.connect`. */
  readonly origins: readonly SettingOrigin[];
  /** Settings whose value in the file changed since the API set them. */
  readonly drift: readonly string[];
}

const standIn: UpstreamDescription = {
  name: 'default',
  configured: false,
  settings: {},
  origin: { layer: 'default' },
  origins: [],
  drift: [],
};

/** Where an upstream stands in the entry of its plugin. */
export const upstreamPath = (name: string): SettingPath => ['config', 'upstreams', name];

/** The entry of the plugin that owns the upstreams: of several the first that is on. */
export function deliveryEntry(plugins: readonly PluginEntry[]): PluginEntry | undefined {
  const entries = plugins.filter(({ use }) => use === 'delivery');
  return entries.find(({ enabled }) => enabled) ?? entries[0];
}

/**
 * The upstreams as things of their own. They are settings of the plugin `delivery`: every change is a version of its
 * settings. What is new comes last in the order of fail-over.
 */
export class UpstreamAdministration {
  readonly #plugins: PluginAdministration;

  constructor(plugins: PluginAdministration) {
    this.#plugins = plugins;
  }

  /** Number of the version in force. */
  get version(): number {
    return this.#plugins.version;
  }

  /** Id of the plugin. Throws `CONFLICT` where the configuration has none that relays. */
  get pluginId(): string {
    const entry = deliveryEntry(this.#plugins.plugins);
    if (entry === undefined) {
      throw new SluiceError('CONFLICT', 'the plugin delivery is not in the configuration: nothing has upstreams');
    }
    return idOf(entry);
  }

  /** In the order of fail-over. */
  async describe(): Promise<UpstreamDescription[]> {
    const entry = deliveryEntry(this.#plugins.plugins);
    if (entry === undefined) return [];
    const { loaded } = this.#plugins;
    const { id, config, origins, drift } = await this.#plugins.describeOne(idOf(entry));
    const upstreams = (Array.isArray(config.upstreams) ? config.upstreams : []).filter(isRecord);
    if (upstreams.length === 0) return [standIn];
    return upstreams.map(({ name: key, ...settings }): UpstreamDescription => {
      const name = String(key);
      const place = showPath(upstreamPath(name));
      const within = (path: string) => (path.startsWith(`${place}.`) ? [path.slice(place.length + 1)] : []);
      return {
        name,
        configured: true,
        settings,
        origin: loaded.origin(['plugins', id, ...upstreamPath(name)]),
        origins: origins.flatMap(({ path, origin }) => within(path).map((inner) => ({ path: inner, origin }))),
        drift: drift.flatMap(within),
      };
    });
  }

  /** Throws `NOT_FOUND`. */
  async describeOne(name: string): Promise<UpstreamDescription> {
    const found = (await this.describe()).find((upstream) => upstream.name === name);
    if (found === undefined) throw notThere();
    return found;
  }

  /** Throws `CONFLICT` where there is one of this name. */
  create(name: string, settings: EntryPatch, request: SettingsRequest): Promise<SettingsOutcome> {
    const id = this.pluginId;
    const patch = (loaded: LoadedConfiguration) => {
      if (upstreamIn(loaded, id, name) !== undefined) {
        throw new SluiceError('CONFLICT', `there is an upstream ${name} already`);
      }
      // One of the file that was deleted must not shine through: its login is not for another host.
      const beneath = loaded.written(['plugins', id, ...upstreamPath(name)]);
      return patchAt(upstreamPath(name), insteadOf(beneath, settings));
    };
    return this.#plugins.change(id, patch, request);
  }

  /** Throws `NOT_FOUND`, `CONFLICT` for what the environment sets. */
  change(name: string, settings: EntryPatch, request: SettingsRequest): Promise<SettingsOutcome> {
    const id = this.pluginId;
    const patch = (loaded: LoadedConfiguration) => {
      if (upstreamIn(loaded, id, name) === undefined) throw notThere();
      return patchAt(upstreamPath(name), settings);
    };
    return this.#plugins.change(id, patch, request);
  }

  /**
   * One that only the API knows of is forgotten; one of the file is removed by what the API sets over it, and comes
   * back by `reset`. Throws `NOT_FOUND`, `CONFLICT` for what the environment sets.
   */
  async remove(name: string, request: SettingsRequest): Promise<SettingsOutcome> {
    await this.describeOne(name);
    return this.#plugins.remove(this.pluginId, upstreamPath(name), request);
  }
}

const upstreamIn = (loaded: LoadedConfiguration, id: string, name: string): unknown =>
  valueAt(loaded.config, ['plugins', id, ...upstreamPath(name)]);

const notThere = () => new SluiceError('NOT_FOUND', 'there is no such upstream in the configuration');

/** The patch that leaves nothing of what lies beneath. */
function insteadOf(beneath: unknown, wanted: EntryPatch): EntryPatch {
  if (!isRecord(beneath)) return wanted;
  const { name: _, ...others } = beneath;
  const removed = Object.keys(others).map((key) => [key, null]);
  const kept = Object.entries(wanted).map(([key, value]) => [
    key,
    isRecord(value) ? insteadOf(others[key], value) : value,
  ]);
  return Object.fromEntries([...removed, ...kept]);
}
