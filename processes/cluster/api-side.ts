import { type AdminApi, type AdminApiOptions, createAdminApi } from '../../admin-api/server.ts';
import { AccountsService } from '../../core/accounts/accounts-service.ts';
import type { Secrets } from '../../core/accounts/secrets.ts';
import type { ServerSecrets } from '../../core/accounts/server-secrets.ts';
import { BlacklistService } from '../../core/blacklist/blacklist-service.ts';
import type { LoadedConfiguration } from '../../core/config/load.ts';
import type { Clock } from '../../core/domain/clock.ts';
import type { HealthSource } from '../../core/observability/health.ts';
import type { Logger } from '../../core/observability/log.ts';
import type { Plugin } from '../../core/pipeline/plugin.ts';
import { configurationInForce } from '../../core/settings/configuration-in-force.ts';
import type { FleetView } from '../../core/settings/fleet-view.ts';
import type { PluginAdministration } from '../../core/settings/plugin-administration.ts';
import type { HookOrder } from '../../core/storage/ports/processes.ts';
import { testConnection } from '../../plugins/delivery/connection-test.ts';
import type { Closing } from '../closing.ts';
import { graceMilliseconds } from '../grace.ts';
import { version } from '../package-version.ts';
import { protectedNetworks } from '../protected-networks.ts';
import { createQuotaWindows } from '../quota-windows.ts';
import { createUpstreamTests } from '../upstream-tests.ts';
import { startTelling } from '../webhooks.ts';
import type { Connections } from './connections.ts';
import { upstreamsOf } from './upstream-reports.ts';

export interface ApiSideParts {
  readonly loaded: LoadedConfiguration;
  readonly load: (use: string) => Promise<Plugin>;
  readonly connections: Connections;
  readonly administration: PluginAdministration;
  readonly view: FleetView;
  readonly health: HealthSource;
  readonly secrets: Secrets;
  readonly serverSecrets: ServerSecrets;
  readonly hostname: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Each hook once, as the first process tells it that runs it. */
function ordersOf(view: FleetView): HookOrder[] {
  const orders = new Map<string, HookOrder>();
  for (const { hooks } of view.known) {
    for (const order of hooks) orders.set(`${order.listener} ${order.hook}`, order);
  }
  return [...orders.values()];
}

export type ApiSide = Awaited<ReturnType<AdminApi['listen']>> & Pick<AdminApi, 'reloadCertificate'>;

/** Answers the API, for all processes. */
export async function startApiSide(parts: ApiSideParts, closing: Closing): Promise<ApiSide> {
  const { connections, administration, view, secrets, serverSecrets, hostname, clock, log } = parts;
  const { config } = parts.loaded;
  const { store, bus, rateLimits } = connections;
  const { accounts, apiAccess } = store;
  const options: AdminApiOptions = {
    ...store,
    config,
    accountsService: new AccountsService({ accounts, apiAccess, secrets, bus, clock, quotas: config.quotas }),
    rateLimits,
    blacklistService: new BlacklistService({
      blacklist: store.blacklist,
      bus,
      clock,
      protectedNetworks: () => protectedNetworks(administration.plugins),
    }),
    ...startTelling({ config, store, bus, serverSecrets, clock, log }, closing),
    health: parts.health,
    pluginAdministration: administration,
    hookOrder: () => ordersOf(view),
    upstreamConnections: async () =>
      new Map(upstreamsOf(view.known).map(({ name, connections: count }) => [name, count])),
    upstreamTests: createUpstreamTests({
      plugins: () => administration.plugins,
      networks: config.api.connection_test_networks,
      run: (request) => testConnection(request, hostname),
    }),
    counters: connections.counters,
    quotaWindows: createQuotaWindows(() => administration.plugins),
    mode: 'cluster',
    processes: () => view.living(),
    configurationInForce: configurationInForce({
      started: parts.loaded,
      plugins: administration,
      schemas: async (use) => (await parts.load(use)).config,
    }),
    secrets: serverSecrets,
    clock,
    log,
    version,
  };
  const api = createAdminApi(options);
  const listening = await api.listen();
  closing.alongside('api', () => api.close(graceMilliseconds));
  return { ...listening, reloadCertificate: () => api.reloadCertificate() };
}
