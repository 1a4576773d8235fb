import type { MessagePort } from 'node:worker_threads';
import { Worker } from 'node:worker_threads';
import { SluiceError } from '../core/domain/errors.ts';
import type { Logger } from '../core/observability/log.ts';
import type { PluginSettings } from '../core/pipeline/plugin-settings.ts';
import type { UpstreamHealth } from '../core/pipeline/upstream-board.ts';
import { fromPlainError } from './plain-error.ts';
import type { RelayOrder, RelayReport, RelayStart } from './relay-protocol.ts';
import { lowerThreadPriority } from './thread-priority.ts';

/** Seen by the kernel, which keeps 15 characters. */
const threadName = 'sluice-relay';

/** The relay thread, as the main thread sees it. */
export interface Relay {
  /** How each upstream stands that was spoken to so far. */
  upstreams(): readonly UpstreamHealth[];
  /** Puts these plugins in force there; rejects, with nothing changed, where they do not start. */
  swap(plugins: readonly PluginSettings[], version: number): Promise<void>;
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
  const file = new URL(import.meta.url.endsWith('.ts') ? './relay-thread.ts' : './relay-thread.js', import.meta.url);
  const worker = new Worker(file, { name: threadName, workerData: start, transferList: transfer });
  const upstreams = new Map<string, UpstreamHealth>();
  const started = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const swaps = new Map<number, PromiseWithResolvers<void>>();
  let stopping = false;
  let running = false;

  const died = (cause: unknown) => {
    const error = new SluiceError('INTERNAL', 'The relay thread ended; see the log. Accepted mail stays queued.', {
      cause,
    });
    started.reject(error);
    for (const swap of swaps.values()) swap.reject(error);
    ended.resolve();
    if (running && !stopping) onFailure(error);
  };
  worker.on('error', (error) => {
    log.fatal({ err: error }, 'the relay thread failed');
    died(error);
  });
  worker.on('exit', (code) => died(`exit code ${code}`));
  worker.on('message', (report: RelayReport) => {
    if (report.of === 'upstream') upstreams.set(report.health.name, report.health);
    else if (report.of === 'started') {
      if (report.error === null) started.resolve();
      else started.reject(fromPlainError(report.error));
    } else if (report.of === 'swapped') {
      const swap = swaps.get(report.version);
      swaps.delete(report.version);
      if (report.error === null) swap?.resolve();
      else swap?.reject(fromPlainError(report.error));
    }
  });

  const order = (message: RelayOrder) => worker.postMessage(message);
  await started.promise;
  running = true;
  lowerThreadPriority(threadName, log);

  return {
    upstreams: () => [...upstreams.values()],
    swap(plugins, version) {
      const swap = Promise.withResolvers<void>();
      swaps.set(version, swap);
      order({ do: 'swap', plugins, version });
      return swap.promise;
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
