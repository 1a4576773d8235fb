import { readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { harakaPackage } from '../host/home.ts';
import { findPlugin, installCommand, type PluginPlace, pluginName } from '../host/plugin-places.ts';
import type { PluginReport, PluginResult } from './report.ts';
import { runTrial, type TrialOptions } from './run-trial.ts';
import { calledHooks, uncalledHooks } from './uncalled-hooks.ts';

const bare = (listed: string): string => listed.replace(/^haraka-plugin-/, '');

/** Looks for a plugin of the list where a bridge would, loads and registers it in a process of its own, and tells. */
export async function reportPlugin(listed: string, home: string, options: TrialOptions): Promise<PluginReport> {
  const name = pluginName(listed);
  const base = {
    listed,
    name,
    renamed: name !== bare(listed),
    hooks: [],
    uncalled: [],
    needs: [],
    settings: [],
    said: [],
  };
  const place = findPlugin(listed, home);
  if (place === null) {
    return {
      ...base,
      result: 'missing',
      found: null,
      reason: 'it is not installed',
      advice: installCommand(listed, home),
    };
  }
  const found = foundAt(place, home);
  const tried = await runTrial(home, { job: 'plugin', plugin: listed }, options);
  if ('failed' in tried) {
    const { reason, advice } = split(tried.failed, listed);
    return {
      ...base,
      result: 'fails',
      found,
      reason,
      advice: advice ?? nativeAdvice(tried.failed, place, home),
      said: tried.said,
    };
  }
  const uncalled = uncalledHooks(tried.hooks);
  const hooks = tried.hooks.filter((hook) => calledHooks.has(hook));
  const result: PluginResult = hooks.length === 0 ? 'idle' : uncalled.length > 0 ? 'partly' : 'runs';
  return {
    ...base,
    ...tried,
    result,
    found,
    reason: result === 'idle' ? idleReason(tried) : null,
    advice: null,
    hooks,
    uncalled,
  };
}

const idleReason = ({
  hooks,
  said,
}: {
  readonly hooks: readonly string[];
  readonly said: readonly string[];
}): string => {
  if (hooks.length > 0) return 'none of its hooks is ever called here';
  return said.length === 0 ? 'it registers no hook' : `it registers no hook, and says: ${said[0]}`;
};

function foundAt(place: PluginPlace, home: string): PluginReport['found'] {
  const haraka = harakaPackage(home);
  const { path } = place;
  if (place.kind === 'package') return { kind: 'package', path: dirname(path), version: versionIn(path) };
  const core = haraka !== null && !relative(haraka, path).startsWith(`..${sep}`);
  return { kind: core ? 'core' : 'file', path, version: core ? versionIn(join(haraka, 'package.json')) : null };
}

/** The version a `package.json` names; null where it names none or cannot be read. */
export function versionIn(manifest: string): string | null {
  try {
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version?: unknown };
    return typeof version === 'string' ? version : null;
  } catch {
    return null;
  }
}

/** The host's messages name the plugin and end with a command: here both have places of their own. */
function split(message: string, listed: string): { readonly reason: string; readonly advice: string | null } {
  const [, told = '', command = null] =
    /^(.*?)(?:\.? (?:Install (?:it|what it needs): |: )?(cd .+ && npm install .+))?$/s.exec(message) ?? [];
  return { reason: told.replace(`The Haraka plugin ${listed}: `, ''), advice: command };
}

/** A package with a part in C++ that was never built, as after `npm install --ignore-scripts`. */
function nativeAdvice(failure: string, place: PluginPlace, home: string): string | null {
  if (!/bindings file|\.node\b|build\/Release|NODE_MODULE_VERSION/.test(failure)) return null;
  const folder = place.kind === 'package' ? dirname(place.path) : home;
  return `it needs a native module that is not built: cd ${folder} && npm rebuild --foreground-scripts`;
}
