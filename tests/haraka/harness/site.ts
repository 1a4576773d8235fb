import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { installPackages } from '../../support/npm-packages.ts';

/** Where the real Haraka and the published plugins are installed. */
export const site = resolve(import.meta.dirname, '../site');
export const sitePackages = join(site, 'node_modules');
export const harakaProgram = join(sitePackages, 'Haraka/bin/haraka');

/** Installs them as the lock file says, unless they are there. */
export const installSite = async (): Promise<void> => {
  if (existsSync(harakaProgram)) return;
  await installPackages(site, 'Haraka');
};

/** Version of a plugin's package, or Haraka's where the plugin is one of its own. */
export const pluginVersion = async (plugin: string): Promise<string> => {
  const own = join(sitePackages, `haraka-plugin-${plugin}/package.json`);
  const file = existsSync(own) ? own : join(sitePackages, 'Haraka/package.json');
  const { version }: { version: string } = JSON.parse(await readFile(file, 'utf8'));
  return file === own ? version : `Haraka ${version}`;
};
