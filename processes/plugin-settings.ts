import { Seals } from '../core/accounts/seals.ts';
import type { ServerSecrets } from '../core/accounts/server-secrets.ts';
import { createPluginLoader } from '../core/pipeline/load-plugin.ts';
import type { Plugin } from '../core/pipeline/plugin.ts';
import { PluginAdministration } from '../core/settings/plugin-administration.ts';
import { shippedPlugins } from './shipped-plugins.ts';

type Options = Parameters<typeof PluginAdministration.prepare>[0];

/** How this process finds plugins, and what it and the API know of their settings. Rejects as `prepare` does. */
export async function preparePlugins(
  parts: Omit<Options, 'sealing' | 'fingerprint' | 'load'> & {
    /** Folder that relative names of plugins start from. */
    readonly folder: string;
    readonly serverSecrets: ServerSecrets;
  },
): Promise<{ readonly load: (use: string) => Promise<Plugin>; readonly administration: PluginAdministration }> {
  const { folder, serverSecrets, ...options } = parts;
  const load = createPluginLoader({ shipped: shippedPlugins, folder });
  const seals = new Seals(serverSecrets.secretsKey);
  const administration = await PluginAdministration.prepare({
    ...options,
    sealing: seals,
    fingerprint: (text) => seals.fingerprint('settings', text),
    load,
  });
  return { load, administration };
}
