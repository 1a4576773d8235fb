import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { runInNewContext } from 'node:vm';
import type { HarakaFiles } from 'haraka-config';
import { SluiceError } from '../../../core/domain/errors.ts';
import { CoreModules } from './core-modules.ts';
import { sandboxOf } from './globals.ts';
import { HarakaPlugin } from './haraka-plugin.ts';
import type { HarakaProcess } from './haraka-process.ts';
import { HookList } from './hook-list.ts';
import { defaultsOf, installCommand, type PluginPlace, placeOf } from './plugin-places.ts';
import { sandboxedRequire } from './sandboxed-require.ts';

const isRecord = (value: unknown): value is Record<string, unknown> =>
  (typeof value === 'object' && value !== null) || typeof value === 'function';

/** The plugins of one bridge: found, compiled and registered as Haraka does it, with files of one installation. */
export class PluginHost {
  readonly home: string;
  readonly process: HarakaProcess;
  readonly hooks = new HookList();
  /** By the name in the list. */
  readonly plugins = new Map<string, HarakaPlugin>();
  /** Files of the site over those of the package `Haraka`. */
  readonly files: HarakaFiles;
  readonly #modules: CoreModules;

  constructor(process: HarakaProcess, home: string) {
    this.process = process;
    this.home = home;
    this.#modules = new CoreModules(process, home);
    this.files = process.libraries.files.module_config(this.#modules.folder ?? home, home);
  }

  /** Loads and registers them in this order. Throws with the plugin's name and what to do about it. */
  async load(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const plugin = this.compile(name);
      this.plugins.set(name, plugin);
      try {
        await plugin.register();
      } catch (error) {
        throw failed(name, 'its register() failed', error);
      }
      for (const member in plugin) {
        const hook = /^hook_(\w+)\b/.exec(member)?.[1];
        if (hook !== undefined) plugin.register_hook(hook, member);
      }
    }
  }

  /** A plugin with what its code exports; not registered. */
  compile(name: string): HarakaPlugin {
    const place = placeOf(name, this.home);
    const files = this.process.libraries.files.module_config(defaultsOf(place, this.home), this.home);
    const plugin = new HarakaPlugin(this, place, files);
    try {
      if (place.kind === 'package') this.#requirePackage(place, plugin);
      else this.#runFile(place, plugin);
    } catch (error) {
      throw failed(name, `${place.path} could not be run`, error, this.home);
    }
    return plugin;
  }

  #requirePackage(place: PluginPlace, plugin: HarakaPlugin): void {
    const exported: unknown = createRequire(place.path)(dirname(place.path));
    if (!isRecord(exported)) return;
    for (const member in exported) plugin[member] = exported[member];
  }

  #runFile(place: PluginPlace, plugin: HarakaPlugin): void {
    const { libraries, server } = this.process;
    const sandbox = sandboxOf(libraries, server);
    sandbox.exports = plugin;
    sandbox.require = sandboxedRequire(place.path, plugin, this.#modules);
    sandbox.__filename = place.path;
    sandbox.__dirname = dirname(place.path);
    runInNewContext(`"use strict";${readFileSync(place.path, 'utf8')}`, sandbox, place.path);
  }

  /** A module of Haraka's core, or what stands for it here. */
  coreModule(name: string): unknown {
    return this.#modules.named(name);
  }

  /** Tells the plugins that it is over; Haraka's `shutdown`. */
  async shutdown(): Promise<void> {
    for (const [name, plugin] of this.plugins) {
      try {
        await plugin.shutdown?.();
      } catch (error) {
        this.process.log.write('ERROR', [`${name} could not shut down: `, error]);
      }
    }
  }
}

function failed(name: string, what: string, cause: unknown, home?: string): SluiceError {
  if (cause instanceof SluiceError) return cause;
  const reason = isRecord(cause) && typeof cause.message === 'string' ? cause.message : String(cause);
  const lacking = home !== undefined && isRecord(cause) && cause.code === 'MODULE_NOT_FOUND';
  const advice = lacking ? `. ${missingPackage(reason, home)}` : '';
  return new SluiceError('PLUGIN_START_FAILED', `The Haraka plugin ${name}: ${what}: ${firstLine(reason)}${advice}`, {
    cause,
  });
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';

function missingPackage(reason: string, home: string): string {
  const name = /Cannot find (?:module|package) '([^']+)'/.exec(reason)?.[1] ?? '';
  if (name === '' || name.startsWith('.') || name.startsWith('/')) return 'A file that belongs to it is missing';
  if (name.startsWith('haraka-plugin-')) return `Install what it needs: ${installCommand(name, home)}`;
  return `Install what it needs: cd ${home} && npm install ${name}`;
}
