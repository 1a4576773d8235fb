import type { ProtectedNetwork } from '../core/blacklist/protected-networks.ts';
import type { PluginEntry } from '../core/config/schema.ts';
import { configSchema } from '../plugins/blacklist/config.ts';
import { ownNetworks } from '../plugins/blacklist/own-addresses.ts';

/** What must never be on the blacklist: the machine itself, and what the settings of the plugin protect. */
export function protectedNetworks(plugins: readonly PluginEntry[]): ProtectedNetwork[] {
  const own = ownNetworks().map((network) => ({ network, why: 'it is this machine, or its gateway' }));
  const configured = plugins
    .filter(({ use }) => use === 'blacklist')
    .flatMap(({ config }) => configSchema.parse(config).protected)
    .map((network) => ({ network, why: '`protected` of the plugin blacklist lists it' }));
  return [...own, ...configured];
}
