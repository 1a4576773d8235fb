import { existsSync, readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SluiceError } from '../domain/errors.ts';
import { checkPlugin } from './check-plugin.ts';
import type { Plugin } from './plugin.ts';
import { openPluginEntry } from './plugin-entry.ts';

export interface PluginLoaderOptions {
  /** Names of the plugins that come with Sluice, and how each is imported. */
  readonly shipped: Readonly<Record<string, () => Promise<unknown>>>;
  /** Folder of the configuration file: paths and packages are looked for from here. */
  readonly folder: string;
}

const isPath = (use: string): boolean => use.startsWith('.') || isAbsolute(use);
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The file that a target of `exports` names, by the conditions an `import` would have. */
function importTarget(target: unknown): string | null {
  if (typeof target === 'string') return target;
  if (!isRecord(target)) return null;
  for (const [condition, value] of Object.entries(target)) {
    if (condition !== 'node' && condition !== 'import' && condition !== 'default') continue;
    const found = importTarget(value);
    if (found !== null) return found;
  }
  return null;
}

/** `@scope/name/part` in its two halves: the package, and what of it is asked for as `exports` writes it. */
function splitName(use: string): { readonly name: string; readonly part: string } {
  const parts = use.split('/');
  const own = use.startsWith('@') ? 2 : 1;
  return { name: parts.slice(0, own).join('/'), part: ['.', ...parts.slice(own)].join('/') };
}

/** The file an import of `use` would load, looked for in node_modules from `folder` upwards; null where there is none. */
function packageFile(use: string, folder: string): string | null {
  const { name, part } = splitName(use);
  let manifest: string | undefined;
  try {
    manifest = findPackageJSON(name, pathToFileURL(join(folder, 'sluice.yaml')));
  } catch {
    return null;
  }
  if (manifest === undefined) return null;
  const description: unknown = JSON.parse(readFileSync(manifest, 'utf8'));
  if (!isRecord(description)) return null;
  const { exports, main } = description;
  if (exports === undefined)
    return join(dirname(manifest), part === '.' && typeof main === 'string' ? main : index(part));
  const byPart = isRecord(exports) && Object.keys(exports).some((key) => key.startsWith('.'));
  const file = importTarget(byPart ? exports[part] : part === '.' ? exports : null);
  return file === null ? null : join(dirname(manifest), file);
}

const index = (part: string): string => (part === '.' ? 'index.js' : part);

function locate(use: string, { shipped, folder }: PluginLoaderOptions): () => Promise<unknown> {
  if (!isPath(use)) {
    const known = Object.hasOwn(shipped, use) ? shipped[use] : undefined;
    if (known !== undefined) return known;
  }
  const file = isPath(use) ? resolve(folder, use) : packageFile(use, folder);
  if (file !== null && existsSync(file)) {
    return () => {
      openPluginEntry();
      return import(pathToFileURL(file).href);
    };
  }
  const advice = isPath(use)
    ? `There is no file ${resolve(folder, use)}; paths start at the folder of the configuration file.`
    : `No plugin of that name is shipped (${Object.keys(shipped).join(', ')}), and no package of that name is installed where ${folder} finds packages.`;
  throw new SluiceError('PLUGIN_UNKNOWN', `The plugin ${use} cannot be found. ${advice}`);
}

/** What a module exports; compiled CommonJS has its exports once more inside the default one. */
function pluginOf(module: unknown): unknown {
  const exported = isRecord(module) ? (module.default ?? module.plugin) : undefined;
  const inner = isRecord(exported) && !('init' in exported) ? (exported.default ?? exported.plugin) : undefined;
  return inner ?? exported;
}

/** What went wrong while a module was read, in words that say what to do. */
function unreadable(use: string, error: unknown): SluiceError {
  const stripped = isRecord(error) && error.code === 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING';
  const advice = stripped ? 'it ships TypeScript; a package has to ship JavaScript' : textOf(error);
  return new SluiceError('PLUGIN_INCOMPATIBLE', `The plugin ${use} cannot be read: ${advice}`, { cause: error });
}

/**
 * Makes the function that finds a plugin by the `use` of its entry: the name of a shipped plugin, a package, or a path
 * from the configuration's folder. A module gives its plugin as `default` or as `plugin`. Throws `PLUGIN_UNKNOWN` or
 * `PLUGIN_INCOMPATIBLE`. A module is read once a process: a changed file needs a restart.
 */
export function createPluginLoader(options: PluginLoaderOptions): (use: string) => Promise<Plugin> {
  return async (use) => {
    let module: unknown;
    try {
      module = await locate(use, options)();
    } catch (error) {
      throw error instanceof SluiceError ? error : unreadable(use, error);
    }
    const exported = pluginOf(module);
    if (exported === undefined) {
      throw new SluiceError('PLUGIN_INCOMPATIBLE', `The plugin ${use} exports none: export it as default or as plugin`);
    }
    return checkPlugin(exported, use);
  };
}
