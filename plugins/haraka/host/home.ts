import { existsSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { SluiceError } from '../../../core/domain/errors.ts';

/**
 * The folder of a Haraka installation from `config_dir`: one with `config/` in it, or that `config/` itself. Relative
 * paths count from `folder`. Throws `PLUGIN_CONFIG_INVALID` where there is none.
 */
export function harakaHome(configDir: string, folder: string): string {
  const named = isAbsolute(configDir) ? configDir : resolve(folder, configDir);
  if (existsSync(join(named, 'config'))) return named;
  if (basename(named) === 'config' && existsSync(named)) return dirname(named);
  const message = existsSync(named)
    ? `${named} holds no folder config/: name the folder that \`haraka -c\` is given`
    : `there is no folder ${named}`;
  throw new SluiceError('PLUGIN_CONFIG_INVALID', `config_dir: ${message}`, {
    problems: [{ path: 'config_dir', message }],
  });
}

/** The folder of the package `Haraka`, looked for from the installation upwards and then beside Sluice; null without one. */
export function harakaPackage(home: string): string | null {
  for (const start of [home, import.meta.dirname]) {
    const found = installedPackage('Haraka', start);
    if (found !== null) return found;
  }
  return null;
}

/** The folder of a package as Node would find it from `start`, whatever its `exports` hide. */
export function installedPackage(name: string, start: string): string | null {
  for (let folder = start; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (folder === dirname(folder)) return null;
  }
}
