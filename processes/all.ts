import { hostname as machineName } from 'node:os';
import { uuidv7 } from 'uuidv7';
import { Secrets } from '../core/accounts/secrets.ts';
import { loadServerSecrets } from '../core/accounts/server-secrets.ts';
import type { PluginEntry } from '../core/config/schema.ts';
import { systemClock } from '../core/domain/clock.ts';
import type { SluiceError } from '../core/domain/errors.ts';
import { createHealth } from '../core/observability/health.ts';
import { createLog } from '../core/observability/log.ts';
import { createMetrics } from '../core/observability/metrics.ts';
import { startObservabilityServer } from '../core/observability/observability-server.ts';
import { readinessOf } from '../core/observability/readiness.ts';
import { HookMeters } from '../core/pipeline/hook-meter.ts';
import { createPipelines } from '../core/pipeline/registry.ts';
import { services } from '../core/pipeline/services.ts';
import { ConnectionControls } from '../core/smtp/connection-controls.ts';
import { MemoryBlacklistIndex } from '../core/storage/memory/blacklist-index.ts';
import { MemoryBus } from '../core/storage/memory/bus.ts';
import { MemoryCounters } from '../core/storage/memory/counters.ts';
import { MemoryDirectory } from '../core/storage/memory/directory.ts';
import { MemoryRateLimits } from '../core/storage/memory/rate-limits.ts';
import { createAccess } from './access.ts';
import { startApiSide } from './api-side.ts';
import { Closing } from './closing.ts';
import { pluginServices } from './container/plugin-services.ts';
import { processContainer } from './container/process-container.ts';
import { openStore } from './embedded-store.ts';
import { graceMilliseconds } from './grace.ts';
import { listenerSummaries } from './listener-summaries.ts';
import { version } from './package-version.ts';
import { preparePlugins } from './plugin-settings.ts';
import { startRelay } from './relay.ts';
import type { RunningProcess, StartOptions } from './running-process.ts';
import { startSmtpSide } from './smtp-side.ts';
import { upstreamHealth, upstreamSummaries } from './upstreams.ts';

export type { RunningProcess } from './running-process.ts';

/** Nobody else writes to an embedded database, so polling only guards against a lost event. */
const pollMilliseconds = 60_000;

/** Everything in one process on one SQLite file. Throws a `SluiceError`; what had started is closed again then. */
export async function startAll(options: StartOptions): Promise<RunningProcess> {
  // The data folder holds mail, keys and hashes.
  process.umask(0o077);
  const closing = new Closing();
  try {
    return await start(options, closing);
  } catch (error) {
    // What went wrong first is what a person has to know; what then does not close in order is only a warning.
    await closing.close().catch((cause: Error) => process.emitWarning(cause));
    throw error;
  }
}

async function start({ loaded, acceptLoss, readAgain }: StartOptions, closing: Closing): Promise<RunningProcess> {
  const { config, baseDir } = loaded;
  const log = createLog({ level: config.log.level, name: 'sluice' });
  const hostname = config.hostname ?? machineName();
  const facts = {
    id: uuidv7(),
    roles: ['smtp', 'worker', 'api'] as const,
    host: machineName(),
    pid: process.pid,
    release: version,
    startedAt: systemClock.now(),
  };
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {});
  const onFailure = (error: SluiceError) => failure.reject(error);

  const serverSecrets = await loadServerSecrets({ config, dataDir: config.data_dir, mode: 'embedded' });
  const store = await openStore(config, { acceptLoss, log, onFailure });
  closing.add('store', () => store.close());

  const bus = new MemoryBus(log);
  const clock = systemClock;
  const counters = new MemoryCounters({ clock });
  counters.load(await store.loadCounters());
  store.attachCounters(() => counters.drain());
  const { accounts, blacklist } = store;
  const directory = await MemoryDirectory.start({ accounts, bus, log, pollMilliseconds });
  closing.add('directory', () => directory.close());
  const blacklistIndex = await MemoryBlacklistIndex.start({ blacklist, bus, clock, log, pollMilliseconds });
  closing.add('blacklist', () => blacklistIndex.close());

  const secrets = new Secrets({ secretsKey: serverSecrets.secretsKey });
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
    rateLimits: new MemoryRateLimits({ clock }),
    secrets,
    sessionControls,
    // The upstreams are spoken to in the relay thread; what a plugin of this role says of them is not asked for.
    upstreamBoard: { report: () => {} },
  });

  const { load, administration } = await preparePlugins({
    settings: store.settings,
    serverSecrets,
    folder: baseDir,
    read: readAgain,
    bus,
    clock,
  });
  const plugins = () => administration.plugins;
  const hookMeters = new HookMeters();
  const pipelines = await createPipelines({
    entries: plugins(),
    version: administration.version,
    role: 'smtp',
    services: pluginServices(container),
    servicesByPlugin: new Map([[services.keyValue, (id: string) => store.keyValue(id)]]),
    log,
    load,
    folder: baseDir,
    listeners: config.smtp.listeners.map(({ name }) => name),
    meters: hookMeters,
  });
  closing.add('plugins', () => pipelines.close());

  const relay = await startRelay(
    { config: { ...config, plugins: [...plugins()] }, baseDir, hostname, deliveryPort: store.deliveryPort() },
    { log, onFailure },
  );
  closing.add('relay', () => relay.stop(graceMilliseconds));
  await administration.started({
    apply: applyPlugins,
    rehearse: async (next) => {
      await relay.rehearse(next);
      await pipelines.rehearse(next);
    },
  });
  await tellDrift();

  const { frontEnd, addresses } = await startSmtpSide(
    {
      config,
      pipelines,
      messages: store.messages,
      spool: container.get(services.spool),
      counters,
      access: createAccess({ directory, blacklistIndex, plugins }),
      sessionControls,
      log,
      clock,
      hostname,
    },
    closing,
  );

  const health = createHealth({
    queueState: () => store.mailLog.queueState(),
    upstreams: () => upstreamHealth(plugins(), relay.upstreams()),
    startedAt: facts.startedAt,
  });
  const metrics = createMetrics({
    hooks: () => hookMeters.numbers(),
    relay: () => relay.numbers(),
    refusals: () => frontEnd.refusals(),
    connections: () => frontEnd.connections(),
    health,
    version,
    now: () => clock.now(),
  });
  const readiness = readinessOf(health);
  const observability = await startObservabilityServer({ ...config.observability, metrics, readiness, log });
  closing.alongside('observability', () => observability.close());
  const api = await startApiSide(
    {
      loaded,
      load,
      store,
      bus,
      administration,
      secrets,
      serverSecrets,
      health,
      mode: 'embedded',
      hookOrder: () => [
        ...config.smtp.listeners
          .filter(({ enabled }) => enabled)
          .flatMap(({ name }) => pipelines.order(name).map((one) => ({ listener: name, ...one }))),
        ...relay.order().map((one) => ({ listener: null, ...one })),
      ],
      upstreamConnections: async () =>
        new Map((await relay.numbers()).connections.map(({ upstream, ...count }) => [upstream, count])),
      processes: async () => [{ ...facts, settings: administration.version, unfit: null, at: clock.now() }],
      testConnection: (request) => relay.testConnection(request),
      directoryCurrent: () => directory.current(),
      blacklistCurrent: () => blacklistIndex.current(),
      counters,
      rateLimits: container.get(services.rateLimits),
      clock,
      log,
    },
    closing,
  );

  const upstreams = upstreamSummaries(plugins());
  if (upstreams.length === 0) log.warn('the plugin delivery is off: mail is answered 451');
  return {
    roles: ['smtp', 'worker', 'api'],
    listeners: listenerSummaries(config, addresses),
    api: { url: api.url },
    controlSocket: api.socket,
    observability: observability.url,
    upstreams,
    capture: upstreams.length > 0 && upstreams.every(({ capture }) => capture),
    failed: failure.promise,
    stop: () => closing.close(),
    async reload() {
      // First what is checked as a whole, certificate included: of a file that cannot be used nothing is taken.
      await administration.reload();
      await tellDrift();
      await frontEnd.reloadCertificate();
      await api.reloadCertificate();
    },
  };

  async function tellDrift(): Promise<void> {
    for (const { id, drift } of await administration.describe()) {
      if (drift.length > 0)
        log.warn({ plugin: id, settings: drift }, 'the file changed under what the API set; that stays');
    }
  }

  /** In both threads or in neither. */
  async function applyPlugins(next: readonly PluginEntry[], number: number): Promise<void> {
    await relay.swap(next, number);
    try {
      await pipelines.swap(next, number);
    } catch (error) {
      await relay.swap(plugins(), administration.version);
      throw error;
    }
  }
}
