import type { HarakaFiles } from 'haraka-config';
import { type HarakasLog, Logging } from './harakas-log.ts';
import type { PluginHost } from './plugin-host.ts';
import type { PluginPlace } from './plugin-places.ts';

/** Seconds one call of a hook may take where neither `<name>.timeout` nor `plugin_timeout` says so. */
const defaultTimeout = 30;

/**
 * A plugin as its own code sees it in `this`: what it exports becomes members of it, and it is what hooks are called on.
 * Names are Haraka's.
 */
export class HarakaPlugin extends Logging {
  [member: string]: unknown;
  readonly #host: PluginHost;
  readonly name: string;
  readonly plugin_path: string;
  readonly hasPackageJson: boolean;
  /** Reads files of `config/`: the site's, over the defaults that came with the plugin. */
  config: HarakaFiles;
  /** Seconds one call of a hook may take; 0: as long as it likes. */
  timeout: number;
  base: Record<string, HarakaPlugin> = {};
  /** Its methods, by hook. */
  hooks: Record<string, string[]> = {};
  declare shutdown?: () => unknown;

  constructor(host: PluginHost, place: PluginPlace, files: HarakaFiles) {
    super();
    this.#host = host;
    this.name = place.name;
    this.plugin_path = place.path;
    this.hasPackageJson = place.kind === 'package';
    this.config = files;
    this.timeout = timeoutOf(place.name, host.files);
  }

  /** Replaced by most plugins; called once. */
  register(): unknown {
    return undefined;
  }

  register_hook(hook: string, method: string, priority?: unknown): void {
    this.#host.hooks.add(hook, this, method, priority);
    const methods = this.hooks[hook] ?? [];
    methods.push(method);
    this.hooks[hook] = methods;
  }

  /** Takes over what another plugin exports and this one does not; the other's `register` runs on this one. */
  inherits(parentName: string): void {
    const parent = this.#host.compile(parentName);
    for (const member in parent) {
      if (!this[member]) this[member] = parent[member];
    }
    parent.register.call(this);
    this.base[parentName] = parent;
  }

  haraka_require(name: string): unknown {
    return this.#host.coreModule(name);
  }
}

function timeoutOf(name: string, files: HarakaFiles): number {
  for (const file of [`${name}.timeout`, 'plugin_timeout']) {
    const seconds = Number.parseFloat(String(files.get(file)));
    if (!Number.isNaN(seconds)) return seconds;
  }
  return defaultTimeout;
}

/** Gives the class its log methods: once, since there is one log a process. */
export const addPluginLog = (log: HarakasLog): void => {
  log.addTo(HarakaPlugin.prototype);
};
