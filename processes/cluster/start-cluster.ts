import { mkdir } from 'node:fs/promises';
import { hostname as machineName } from 'node:os';
import { Secrets } from '../../core/accounts/secrets.ts';
import { loadServerSecrets } from '../../core/accounts/server-secrets.ts';
import { systemClock } from '../../core/domain/clock.ts';
import { DeliveryMeter } from '../../core/observability/delivery-meter.ts';
import { createHealth } from '../../core/observability/health.ts';
import { createLog } from '../../core/observability/log.ts';
import { createMetrics, type Metrics } from '../../core/observability/metrics.ts';
import { type ObservabilityServer, startObservabilityServer } from '../../core/observability/observability-server.ts';
import { type Readiness, readinessOf } from '../../core/observability/readiness.ts';
import { guardPipelines } from '../../core/pipeline/guarded-pipelines.ts';
import { HookMeters } from '../../core/pipeline/hook-meter.ts';
import { services } from '../../core/pipeline/services.ts';
import { FleetView } from '../../core/settings/fleet-view.ts';
import { ConnectionControls } from '../../core/smtp/connection-controls.ts';
import type { ConnectionPlaces } from '../../core/smtp/connection-counts.ts';
import type { ProcessRole } from '../../core/storage/ports/processes.ts';
import { testConnection } from '../../plugins/delivery/connection-test.ts';
import { createAccess } from '../access.ts';
import { startApiSide } from '../api-side.ts';
import { Closing } from '../closing.ts';
import { pluginServices } from '../container/plugin-services.ts';
import { processContainer } from '../container/process-container.ts';
import { listenerSummaries } from '../listener-summaries.ts';
import { version } from '../package-version.ts';
import { preparePlugins } from '../plugin-settings.ts';
import type { RunningProcess, StartOptions } from '../running-process.ts';
import { type SmtpSide, startSmtpSide } from '../smtp-side.ts';
import { upstreamHealth, upstreamSummaries } from '../upstreams.ts';
import { openConnections } from './connections.ts';
import { joinFleet } from './membership.ts';
import { hookOrder, ordersOf, startRolePipelines } from './role-pipelines.ts';
import { loadState } from './state-in-memory.ts';
import { UpstreamReports, upstreamsOf } from './upstream-reports.ts';
import { startWorkerSide } from './worker-side.ts';

/** What is told of a process. */
export interface Observed {
  readonly metrics: Metrics;
  readonly readiness: () => Promise<Readiness>;
}

/** What a process that is one of several on a machine leaves to their primary. */
export interface SharedMachine {
  /** Counts the connections of all. */
  readonly counts: ConnectionPlaces;
  /** Tells of all, in place of a port of its own. */
  readonly observe: (observed: Observed) => void;
}

/**
 * One process of a cluster, with one role or several. It waits for MongoDB and Redis. Throws a `SluiceError`; what had
 * started is closed again then.
 */
export async function startCluster(
  roles: readonly ProcessRole[],
  options: StartOptions,
  machine?: SharedMachine,
): Promise<RunningProcess> {
  process.umask(0o077);
  const closing = new Closing();
  try {
    return await start(roles, options, closing, machine);
  } catch (error) {
    // What went wrong first is what a person has to know; what then does not close in order is only a warning.
    await closing.close().catch((cause: Error) => process.emitWarning(cause));
    throw error;
  }
}

async function start(
  roles: readonly ProcessRole[],
  { loaded, readAgain }: StartOptions,
  closing: Closing,
  machine: SharedMachine | undefined,
): Promise<RunningProcess> {
  const { config, baseDir } = loaded;
  const clock = systemClock;
  const log = createLog({ level: config.log.level, name: `sluice ${roles.length === 3 ? 'all' : roles.join('+')}` });
  const hostname = config.hostname ?? machineName();
  // For the certificate it makes and the socket of the API; what matters is in the database.
  await mkdir(config.data_dir, { recursive: true });
  const serverSecrets = await loadServerSecrets({ config, dataDir: config.data_dir, mode: 'cluster' });
  const connections = await openConnections({ config, roles, log, clock }, closing);
  const { store, bus, counters, rateLimits, wakeUps } = connections;
  const pollMilliseconds = config.cluster.beat;
  const { directory, blacklistIndex } = await loadState({ ...store, bus, clock, log, pollMilliseconds }, closing);

  const secrets = new Secrets({ secretsKey: serverSecrets.secretsKey });
  const upstreamReports = new UpstreamReports();
  const sessionControls = new ConnectionControls();
  const container = processContainer({
    config,
    store,
    blacklistIndex,
    bus,
    clock,
    counters,
    directory,
    hostname,
    log,
    rateLimits,
    secrets,
    sessionControls,
    upstreamBoard: upstreamReports,
  });

  const view = new FleetView({ ...store, bus, clock, patience: config.cluster });
  const { load, administration } = await preparePlugins({
    settings: store.settings,
    serverSecrets,
    folder: baseDir,
    read: readAgain,
    bus,
    clock,
    fleet: view,
  });
  const plugins = () => administration.plugins;
  const meters = new HookMeters();
  const sets = await startRolePipelines(
    roles,
    {
      config,
      entries: plugins(),
      version: administration.version,
      services: () => pluginServices(container),
      keyValue: (id) => store.keyValue(id),
      load,
      folder: baseDir,
      meters,
      log,
    },
    closing,
  );
  const member = await joinFleet(
    {
      ...store,
      roles,
      config,
      administration,
      sets: [...sets.values()],
      hooks: () => hookOrder(sets, config),
      upstreams: () => upstreamReports.all(),
      view,
      bus,
      clock,
      log,
    },
    closing,
  );

  const deliveryMeter = new DeliveryMeter();
  const health = createHealth({
    queueState: () => store.mailLog.queueState(),
    upstreams: () => upstreamHealth(plugins(), roles.includes('api') ? upstreamsOf(view.known) : upstreamReports.all()),
    startedAt: clock.now(),
  });
  let smtp: SmtpSide | null = null;
  const metrics = createMetrics({
    hooks: () => meters.numbers(),
    relay: async () => ({
      hooks: [],
      deliveries: deliveryMeter.numbers(),
      connections: upstreamReports.all().map(({ name, connections: count }) => ({ upstream: name, ...count })),
    }),
    // Asked for before there is a front end, too.
    refusals: () => smtp?.frontEnd.refusals() ?? [],
    connections: () => smtp?.frontEnd.connections() ?? 0,
    health,
    version,
    now: () => clock.now(),
  });
  const observed = { metrics, readiness: readinessOf(health, () => member.ailment) };
  let observability: ObservabilityServer | null = null;
  if (machine === undefined) {
    const server = await startObservabilityServer({ ...config.observability, ...observed, log });
    closing.add('observability', () => server.close());
    observability = server;
  } else machine.observe(observed);

  const workerPipelines = sets.get('worker');
  if (workerPipelines !== undefined) {
    startWorkerSide(
      {
        store: deliveryMeter.watch(store.deliveries),
        pipelines: guardPipelines(workerPipelines, member.mayJudge),
        mayClaim: () => member.mayJudge(workerPipelines.version),
        dispatch: store.dispatch,
        queue: wakeUps,
        config: config.worker,
        hostname,
        clock,
        log,
      },
      closing,
    );
  }
  const api = roles.includes('api')
    ? await startApiSide(
        {
          loaded,
          load,
          store,
          bus,
          administration,
          secrets,
          serverSecrets,
          health,
          mode: 'cluster',
          hookOrder: () => ordersOf(view),
          upstreamConnections: async () =>
            new Map(upstreamsOf(view.known).map(({ name, connections: count }) => [name, count])),
          processes: () => view.living(),
          testConnection: (request) => testConnection(request, hostname),
          counters,
          rateLimits,
          clock,
          log,
        },
        closing,
      )
    : null;
  const smtpPipelines = sets.get('smtp');
  if (smtpPipelines !== undefined) {
    smtp = await startSmtpSide(
      {
        config,
        pipelines: guardPipelines(smtpPipelines, member.mayJudge),
        messages: store.messages,
        spool: container.get(services.spool),
        counters,
        access: createAccess({ directory, blacklistIndex, plugins }),
        sessionControls,
        log,
        clock,
        hostname,
        ...(machine === undefined ? {} : { counts: machine.counts }),
      },
      closing,
    );
  }

  const upstreams = upstreamSummaries(plugins());
  if (upstreams.length === 0) log.warn('the plugin delivery is off: mail is answered 451');
  return {
    roles,
    listeners: smtp === null ? [] : listenerSummaries(config, smtp.addresses),
    api: api === null ? null : { url: api.url },
    controlSocket: api?.socket ?? null,
    observability: observability?.url ?? null,
    upstreams,
    capture: upstreams.length > 0 && upstreams.every(({ capture }) => capture),
    failed: new Promise<never>(() => {}),
    stop: () => closing.close(),
    async reload() {
      await administration.reload();
      await smtp?.frontEnd.reloadCertificate();
      await api?.reloadCertificate();
    },
  };
}
