import type { MessagePort } from 'node:worker_threads';
import { Worker } from 'node:worker_threads';
import type { ConnectionTest } from '../core/domain/connection-test.ts';
import { SluiceError } from '../core/domain/errors.ts';
import { moduleBeside } from '../core/domain/module-beside.ts';
import type { Logger } from '../core/observability/log.ts';
import type { RelayNumbers } from '../core/observability/metrics.ts';
import type { PluginSettings } from '../core/pipeline/plugin-settings.ts';
import type { UpstreamHealth } from '../core/pipeline/upstream-board.ts';
import type { ConnectionTestRequest } from '../plugins/delivery/connection-test.ts';
import { fromPlainError } from './plain-error.ts';
import type { RelayOrder, RelayReport, RelayStart, WorkerOrder } from './relay-protocol.ts';
import { lowerThreadPriority } from './thread-priority.ts';

/** Seen by the kernel, which keeps 15 characters. */
const threadName = 'sluice-relay';
/** A thread that is busy for longer is not waited for by those who only want its numbers. */
const countMilliseconds = 1_000;

/** The relay thread, as the main thread sees it. */
export interface Relay {
  /** How each upstream stands that was spoken to so far. */
  upstreams(): readonly UpstreamHealth[];
  /** Puts these plugins in force there; rejects, with nothing changed, where they do not start, or the thread has ended. */
  swap(plugins: readonly PluginSettings[], version: number): Promise<void>;
  /** Builds these plugins there and closes them again; rejects where they do not start. */
  rehearse(plugins: readonly PluginSettings[]): Promise<void>;
  /** Tries from there whether a session can be had with an upstream. Rejects where the thread ends meanwhile. */
  testConnection(request: ConnectionTestRequest): Promise<ConnectionTest>;
  /** Which of the worker's plugins handle what, in running order. */
  order(): WorkerOrder;
  /** What was counted there since the start; the last known after a second without an answer. Never rejects. */
  numbers(): Promise<RelayNumbers>;
  /** Claims nothing more and finishes what is being sent. Resolves when the thread has ended. */
  stop(graceMilliseconds: number): Promise<void>;
}

/**
 * Starts the relay thread; resolves when its plugins run. Rejects with the error that stopped their start.
 * `onFailure` is called if the thread dies later without having been told to.
 */
export async function startRelay(
  start: RelayStart,
  options: { readonly log: Logger; readonly onFailure: (error: SluiceError) => void },
): Promise<Relay> {
  const { log, onFailure } = options;
  const transfer: MessagePort[] = [start.deliveryPort];
  const file = moduleBeside('./relay-thread', import.meta.url);
  const worker = new Worker(file, { name: threadName, workerData: start, transferList: transfer });
  const upstreams = new Map<string, UpstreamHealth>();
  const started = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const builds = new Map<number, PromiseWithResolvers<void>>();
  const tests = new Map<number, PromiseWithResolvers<ConnectionTest>>();
  let numbers: RelayNumbers = { hooks: [], deliveries: [], connections: [] };
  let counted: PromiseWithResolvers<void> | null = null;
  let orders = 0;
  let hookOrder: WorkerOrder = [];
  let stopping = false;
  let running = false;
  let dead: SluiceError | null = null;

  const died = (cause: unknown) => {
    const error = new SluiceError('INTERNAL', 'The relay thread ended; see the log. Accepted mail stays queued.', {
      cause,
    });
    dead ??= error;
    started.reject(error);
    for (const build of builds.values()) build.reject(error);
    for (const test of tests.values()) test.reject(error);
    ended.resolve();
    if (running && !stopping) onFailure(error);
  };
  worker.on('error', (error) => {
    log.fatal({ err: error }, 'the relay thread failed');
    died(error);
  });
  worker.on('exit', (code) => died(`exit code ${code}`));
  worker.on('message', (report: RelayReport) => {
    if (report.of === 'numbers') {
      numbers = report.numbers;
      counted?.resolve();
    } else if (report.of === 'tested') {
      tests.get(report.number)?.resolve(report.test);
      tests.delete(report.number);
    } else if (report.of === 'upstream') upstreams.set(report.health.name, report.health);
    else if (report.of === 'started') {
      hookOrder = report.order;
      if (report.error === null) started.resolve();
      else started.reject(fromPlainError(report.error));
    } else if (report.of === 'built') {
      hookOrder = report.order;
      const build = builds.get(report.number);
      builds.delete(report.number);
      if (report.error === null) build?.resolve();
      else build?.reject(fromPlainError(report.error));
    }
  });

  const order = (message: RelayOrder) => worker.postMessage(message);
  const build = async (message: (number: number) => RelayOrder): Promise<void> => {
    // What is posted to an ended thread is never answered.
    if (dead !== null) throw dead;
    orders += 1;
    const answer = Promise.withResolvers<void>();
    builds.set(orders, answer);
    order(message(orders));
    await answer.promise;
  };
  await started.promise;
  running = true;
  lowerThreadPriority(threadName, log);

  return {
    upstreams: () => [...upstreams.values()],
    swap: (plugins, version) => build((number) => ({ do: 'swap', plugins, version, number })),
    rehearse: (plugins) => build((number) => ({ do: 'rehearse', plugins, number })),
    order: () => hookOrder,
    async testConnection(request) {
      if (dead !== null) throw dead;
      orders += 1;
      const answer = Promise.withResolvers<ConnectionTest>();
      tests.set(orders, answer);
      order({ do: 'test-connection', request, number: orders });
      return await answer.promise;
    },
    async numbers() {
      if (dead !== null) return numbers;
      if (counted === null) {
        counted = Promise.withResolvers<void>();
        order({ do: 'count' });
      }
      const patience = setTimeout(counted.resolve, countMilliseconds);
      await counted.promise;
      clearTimeout(patience);
      counted = null;
      return numbers;
    },
    async stop(graceMilliseconds) {
      stopping = true;
      order({ do: 'stop', graceMilliseconds });
      // A plugin that never lets go must not keep the process: its leases end by themselves.
      const patience = setTimeout(() => void worker.terminate(), graceMilliseconds + 5_000);
      await ended.promise;
      clearTimeout(patience);
    },
  };
}
