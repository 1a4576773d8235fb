import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { SluiceError } from '../../../core/domain/errors.ts';
import { harakaHome, harakaPackage } from '../host/home.ts';
import { fragmentOf } from './fragment.ts';
import { reportPlugin, versionIn } from './plugin-report.ts';
import { type FolderReport, type PluginReport, willRun } from './report.ts';
import { runTrial, type TrialOptions } from './run-trial.ts';
import { ServerFiles, serverFiles } from './server-files.ts';
import { serverSettings } from './server-settings.ts';

export interface CheckOptions extends TrialOptions {
  /** As `haraka -c` takes it; relative paths count from `cwd`. */
  readonly folder: string;
  readonly cwd: string;
  /** Told before each plugin is looked at. */
  readonly progress?: (done: number, total: number, plugin: string) => void;
}

const most = 4;

/**
 * Reads the folder of a Haraka, loads and registers each of its plugins in a process of its own, and says what will come
 * of it here. Throws `PLUGIN_CONFIG_INVALID` where there is no such folder, or no plugin in its list.
 */
export async function checkFolder({ folder, cwd, progress, ...options }: CheckOptions): Promise<FolderReport> {
  const home = harakaHome(folder, cwd);
  const settings = await runTrial(home, { job: 'settings', files: serverFiles }, options);
  if ('failed' in settings)
    throw new SluiceError('PLUGIN_CONFIG_INVALID', `${home} cannot be read: ${settings.failed}`);
  const listed = [...new Set(settings.plugins)];
  if (listed.length === 0) {
    throw new SluiceError('PLUGIN_CONFIG_INVALID', `${join(home, 'config/plugins')} lists no plugin`);
  }
  const files = new ServerFiles(settings.files);
  const plugins = await reports(listed, home, options, progress);
  const running = plugins.filter(willRun).map(({ name }) => name);
  const server = serverSettings(files, home, running);
  const path = harakaPackage(home);
  return {
    home,
    haraka: path === null ? null : { version: versionIn(join(path, 'package.json')), path },
    plugins,
    server,
    fragment: fragmentOf({ home, files, plugins, server }),
  };
}

/** A few at a time, answered in the order of the list. */
async function reports(
  listed: readonly string[],
  home: string,
  options: TrialOptions,
  progress: CheckOptions['progress'],
): Promise<PluginReport[]> {
  const found = new Map<string, PluginReport>();
  const waiting = [...listed];
  const work = async (): Promise<void> => {
    for (let plugin = waiting.shift(); plugin !== undefined; plugin = waiting.shift()) {
      progress?.(found.size, listed.length, plugin);
      found.set(plugin, await reportPlugin(plugin, home, options));
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), most) }, work));
  return listed.flatMap((plugin) => found.get(plugin) ?? []);
}
