import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Seals } from '../core/accounts/seals.ts';
import { loadServerSecrets } from '../core/accounts/server-secrets.ts';
import type { PluginOverlay } from '../core/config/plugin-overlay.ts';
import type { Config } from '../core/config/schema.ts';
import { SluiceError } from '../core/domain/errors.ts';
import { openOverlay } from '../core/settings/sealed-overlay.ts';
import type { SettingsOverlay } from '../core/storage/ports/settings.ts';
import { readStoredSettings } from '../core/storage/sqlite/stored-settings.ts';

/** What the API set of the plugins, for who reads the configuration beside a Sluice that may be running. */
export interface StoredSettings {
  readonly overlay: SettingsOverlay;
  /** The same with its secrets in clear, to be read with file and environment. */
  readonly opened: PluginOverlay;
  readonly fingerprint: (text: string) => string;
}

const isEmpty = ({ plugins, order }: SettingsOverlay): boolean => order === null && Object.keys(plugins).length === 0;

/**
 * Reads it from the data folder, and changes nothing there. Null where the API set nothing, and in a cluster, whose
 * processes tell by their API. Throws `STORE_UNAVAILABLE`, or `CONFIG_INVALID` without the key that sealed it.
 */
export async function storedSettings(config: Config): Promise<StoredSettings | null> {
  if (config.mode === 'cluster') return null;
  const overlay = readStoredSettings(config.data_dir)?.overlay;
  if (overlay === undefined || isEmpty(overlay)) return null;
  const file = join(config.data_dir, 'secrets.json');
  // They would be made up where there are none.
  if (config.secrets_key === undefined && !existsSync(file)) {
    throw new SluiceError('CONFIG_INVALID', `${file} is missing: without it what the API set cannot be read`);
  }
  const { secretsKey } = await loadServerSecrets({ config, dataDir: config.data_dir, mode: 'embedded' });
  const seals = new Seals(secretsKey);
  return {
    overlay,
    opened: openOverlay(overlay, seals),
    fingerprint: (text) => seals.fingerprint('settings', text),
  };
}
