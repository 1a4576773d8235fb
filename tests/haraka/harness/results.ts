import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** What a whole run of a plugin's cases says; the table in the bridge's README is made of these. */
export interface PluginResult {
  readonly plugin: string;
  readonly version: string;
  readonly cases: number;
  /** Cases in which anything differs that is not meant to. */
  readonly differences: number;
}

export const resultsFolder = resolve(import.meta.dirname, '../results');

export const writeResult = (result: PluginResult): void => {
  mkdirSync(resultsFolder, { recursive: true });
  const file = resolve(resultsFolder, `${result.plugin.replaceAll('/', '-')}.json`);
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
};
