import { setTimeout as pause } from 'node:timers/promises';
import { Dispatcher } from '../../core/queue/dispatcher.ts';
import type { WakeUpQueue } from '../../core/queue/wake-up-queue.ts';
import type { DeliveryStore } from '../../core/storage/ports/delivery-store.ts';
import type { DispatchStore } from '../../core/storage/ports/wake-ups.ts';
import { createWorker, type WorkerParts } from '../../core/worker/worker.ts';
import type { Closing } from '../closing.ts';
import { graceMilliseconds } from '../grace.ts';

/** How often a process that must not claim looks whether it may again, in milliseconds. */
const lookMilliseconds = 100;

/** Claims only while this process knows which settings are in force. */
const claimsWhile = (store: DeliveryStore, mayClaim: () => boolean): DeliveryStore['claim'] => {
  return async (options) => {
    while (!mayClaim()) {
      if (options.signal.aborted) return [];
      await pause(lookMilliseconds, undefined, { signal: options.signal }).catch(() => undefined);
    }
    return store.claim(options);
  };
};

/** Relays mail: claims what is due, and sends the wake-ups of what becomes due. */
export function startWorkerSide(
  parts: WorkerParts & {
    readonly mayClaim: () => boolean;
    readonly dispatch: DispatchStore;
    readonly queue: WakeUpQueue;
  },
  closing: Closing,
): void {
  const { store, mayClaim, dispatch, queue, clock, log } = parts;
  const guarded: DeliveryStore = {
    claim: claimsWhile(store, mayClaim),
    renew: (leases, milliseconds) => store.renew(leases, milliseconds),
    tellDot: async (lease, recipients) => (await store.tellDot?.(lease, recipients)) ?? true,
    settle: (settlement) => store.settle(settlement),
    readChunk: (id, n) => store.readChunk(id, n),
    wakeUpstream: (upstream, spread) => store.wakeUpstream(upstream, spread),
  };
  const worker = createWorker({ ...parts, store: guarded });
  const dispatcher = new Dispatcher({ store: dispatch, queue, clock, log });
  dispatcher.start();
  closing.alongside('dispatcher', () => dispatcher.stop());
  worker.start();
  closing.alongside('worker', () => worker.stop(graceMilliseconds));
}
