import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../core/domain/clock.ts';
import { DeliveryMeter } from '../core/observability/delivery-meter.ts';
import { EventLoopDelay } from '../core/observability/event-loop-delay.ts';
import { createLog } from '../core/observability/log.ts';
import { HookMeters } from '../core/pipeline/hook-meter.ts';
import { createPluginLoader } from '../core/pipeline/load-plugin.ts';
import { createPipelines } from '../core/pipeline/registry.ts';
import { services } from '../core/pipeline/services.ts';
import type { UpstreamConnections } from '../core/pipeline/upstream-board.ts';
import { ConnectionControls } from '../core/smtp/connection-controls.ts';
import { createSpool } from '../core/spool/spool.ts';
import { createSend } from '../core/spool/submission.ts';
import { connectDeliveryStore } from '../core/storage/sqlite/delivery-client.ts';
import { createWorker } from '../core/worker/worker.ts';
import { testConnection } from '../plugins/delivery/connection-test.ts';
import { pluginServices } from './container/plugin-services.ts';
import { TypedContainer } from './container/typed-container.ts';
import { noCounters } from './no-counters.ts';
import { toPlainError } from './plain-error.ts';
import type { PlainError, RelayOrder, RelayReport, RelayStart } from './relay-protocol.ts';
import { shippedPlugins } from './shipped-plugins.ts';

/*
 * The thread that relays, in embedded mode: the worker with the plugins of its role. It reaches the database through
 * the writer thread, and tells main how its upstreams stand.
 */
if (parentPort === null) throw new Error('relay-thread.ts runs as a worker thread only');
const port = parentPort;
const { config, baseDir, hostname, deliveryPort }: RelayStart = workerData;
const tell = (report: RelayReport) => port.postMessage(report);
const log = createLog({ level: config.log.level, name: 'relay' });

async function start() {
  const connection = connectDeliveryStore(deliveryPort);
  const { deliveries, messages } = connection;
  const counts = new Map<string, () => UpstreamConnections>();
  const container = new TypedContainer()
    .value(services.clock, systemClock)
    .value(services.hostname, hostname)
    // No session is in this thread.
    .value(services.sessionControls, new ConnectionControls())
    .value(services.upstreamBoard, {
      report: (health) => tell({ of: 'upstream', health }),
      connections: (name, count) => counts.set(name, count),
    })
    .single(services.spool, (made) =>
      createSpool({ store: messages, counters: noCounters, clock: made.get(services.clock), log, hostname }),
    )
    .single(services.send, () => createSend({ ...config.smtp, store: messages, clock: systemClock, hostname }));
  const hookMeters = new HookMeters();
  const deliveryMeter = new DeliveryMeter();
  const eventLoop = new EventLoopDelay();
  const pipelines = await createPipelines({
    entries: config.plugins,
    role: 'worker',
    services: pluginServices(container),
    log,
    load: createPluginLoader({ shipped: shippedPlugins, folder: baseDir }),
    folder: baseDir,
    meters: hookMeters,
  });
  const worker = createWorker({
    store: deliveryMeter.watch(deliveries),
    pipelines,
    config: config.worker,
    hostname,
    clock: systemClock,
    log,
  });
  worker.start();

  port.on('message', (order: RelayOrder) => {
    if (order.do === 'stop') {
      void stop(order.graceMilliseconds);
      return;
    }
    if (order.do === 'count') {
      const connections = [...counts].map(([upstream, count]) => ({ upstream, ...count() }));
      const [hooks, deliveries] = [hookMeters.numbers(), deliveryMeter.numbers()];
      tell({ of: 'numbers', numbers: { hooks, deliveries, connections, eventLoop: eventLoop.take() } });
      return;
    }
    if (order.do === 'test-connection') {
      const { request, number } = order;
      void testConnection(request, hostname).then((test) => tell({ of: 'tested', number, test }));
      return;
    }
    const { plugins, number } = order;
    const built = order.do === 'swap' ? pipelines.swap(plugins, order.version) : pipelines.rehearse(plugins);
    const answer = (error: PlainError | null) => tell({ of: 'built', number, error, order: pipelines.order(null) });
    built.then(
      () => answer(null),
      (error: unknown) => answer(toPlainError(error)),
    );
  });

  async function stop(graceMilliseconds: number): Promise<void> {
    try {
      await worker.stop(graceMilliseconds);
      await pipelines.close();
      await connection.close();
    } catch (error) {
      log.error({ err: error }, 'the relay did not stop in order');
    }
    tell({ of: 'stopped' });
    port.close();
  }
  return pipelines.order(null);
}

start().then(
  (order) => tell({ of: 'started', error: null, order }),
  (error: unknown) => {
    tell({ of: 'started', error: toPlainError(error), order: [] });
    port.close();
    deliveryPort.close();
  },
);
