import { type AdminApi, type AdminApiOptions, createAdminApi } from '../admin-api/server.ts';
import { AccountsService } from '../core/accounts/accounts-service.ts';
import type { Secrets } from '../core/accounts/secrets.ts';
import { BlacklistService } from '../core/blacklist/blacklist-service.ts';
import type { LoadedConfiguration } from '../core/config/load.ts';
import type { ConnectionTest } from '../core/domain/connection-test.ts';
import type { Plugin } from '../core/pipeline/plugin.ts';
import { configurationInForce } from '../core/settings/configuration-in-force.ts';
import type { PluginAdministration } from '../core/settings/plugin-administration.ts';
import type { Bus } from '../core/storage/ports/bus.ts';
import type { Events } from '../core/storage/ports/events.ts';
import type { Webhooks } from '../core/storage/ports/webhooks.ts';
import type { ConnectionTestRequest } from '../plugins/delivery/connection-test.ts';
import type { Closing } from './closing.ts';
import { graceMilliseconds } from './grace.ts';
import { version } from './package-version.ts';
import { protectedNetworks } from './protected-networks.ts';
import { createQuotaWindows } from './quota-windows.ts';
import { createUpstreamTests } from './upstream-tests.ts';
import { startTelling } from './webhooks.ts';

type StoragePorts = Pick<
  AdminApiOptions,
  | 'accounts'
  | 'apiAccess'
  | 'auditLog'
  | 'blacklist'
  | 'deliveryStatistics'
  | 'idempotency'
  | 'mailLog'
  | 'queueActions'
  | 'senderDomains'
> & { readonly events: Events; readonly webhooks: Webhooks };

type Handed = Pick<
  AdminApiOptions,
  'clock' | 'counters' | 'health' | 'hookOrder' | 'log' | 'mode' | 'processes' | 'rateLimits' | 'upstreamConnections'
>;

export interface ApiSideParts extends Handed {
  readonly loaded: LoadedConfiguration;
  readonly load: (use: string) => Promise<Plugin>;
  readonly store: StoragePorts;
  readonly bus: Bus;
  readonly administration: PluginAdministration;
  readonly secrets: Secrets;
  readonly serverSecrets: AdminApiOptions['secrets'];
  /** Runs where mail is relayed. */
  readonly testConnection: (request: ConnectionTestRequest) => Promise<ConnectionTest>;
  /** Resolves once the SMTP side of this process knows what was written last; left out where that is another process. */
  readonly directoryCurrent?: () => Promise<void>;
  readonly blacklistCurrent?: () => Promise<void>;
}

export type ApiSide = Awaited<ReturnType<AdminApi['listen']>> & Pick<AdminApi, 'reloadCertificate'>;

/** Answers the API. Rejects with LISTEN_FAILED. */
export async function startApiSide(parts: ApiSideParts, closing: Closing): Promise<ApiSide> {
  const { store, bus, administration, secrets, clock, directoryCurrent, blacklistCurrent } = parts;
  const { config } = parts.loaded;
  const { accounts, apiAccess, blacklist } = store;
  const plugins = () => administration.plugins;
  const api = createAdminApi({
    ...store,
    config,
    accountsService: new AccountsService({
      accounts,
      apiAccess,
      secrets,
      bus,
      clock,
      quotas: config.quotas,
      ...(directoryCurrent === undefined ? {} : { directoryCurrent }),
    }),
    blacklistService: new BlacklistService({
      blacklist,
      bus,
      clock,
      protectedNetworks: () => protectedNetworks(plugins()),
      ...(blacklistCurrent === undefined ? {} : { indexCurrent: blacklistCurrent }),
    }),
    ...startTelling({ ...parts, config }, closing),
    rateLimits: parts.rateLimits,
    health: parts.health,
    pluginAdministration: administration,
    hookOrder: parts.hookOrder,
    upstreamConnections: parts.upstreamConnections,
    upstreamTests: createUpstreamTests({
      plugins,
      networks: config.api.connection_test_networks,
      run: parts.testConnection,
    }),
    counters: parts.counters,
    quotaWindows: createQuotaWindows(plugins),
    mode: parts.mode,
    processes: parts.processes,
    configurationInForce: configurationInForce({
      started: parts.loaded,
      plugins: administration,
      schemas: async (use) => (await parts.load(use)).config,
    }),
    secrets: parts.serverSecrets,
    clock,
    log: parts.log,
    version,
  });
  const listening = await api.listen();
  closing.alongside('api', () => api.close(graceMilliseconds));
  return { ...listening, reloadCertificate: () => api.reloadCertificate() };
}
