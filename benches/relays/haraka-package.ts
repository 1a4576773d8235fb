import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { installPackages } from '../../tests/support/npm-packages.ts';

const home = resolve(import.meta.dirname, '../haraka');
const manifest = join(home, 'node_modules/Haraka/package.json');

/** Where Haraka and the plugins it brings are installed. */
export const harakaPackages = join(home, 'node_modules');
export const harakaProgram = join(harakaPackages, 'Haraka/bin/haraka');

/** Without the settings of this file Haraka dies at its first connection. */
export const connectionSettings = (): string =>
  readFileSync(join(harakaPackages, 'Haraka/config/connection.ini'), 'utf8');

/** What stands beside one another, in Haraka and in the bridge: checks of header and client, and a header added. */
export const comparedPlugins: readonly string[] = ['headers', 'access', 'record_envelope_addresses'];

/** Installs Haraka where it is missing; answers its version. */
export const installHaraka = async (): Promise<string> => {
  if (!existsSync(manifest)) await installPackages(home, 'Haraka');
  const { version }: { version: string } = JSON.parse(readFileSync(manifest, 'utf8'));
  return version;
};
