import { setTimeout as pause } from 'node:timers/promises';
import { Dispatcher } from '../../core/queue/dispatcher.ts';
import type { WakeUpQueue } from '../../core/queue/wake-up-queue.ts';
import type { DeliveryStore } from '../../core/storage/ports/delivery-store.ts';
import type { DispatchStore } from '../../core/storage/ports/wake-ups.ts';
import { wrapDeliveryStore } from '../../core/storage/rules/wrapped-delivery-store.ts';
import { createWorker, type WorkerParts } from '../../core/worker/worker.ts';
import type { Closing } from '../closing.ts';
import { graceMilliseconds } from '../grace.ts';

/** How often a process that must not claim looks whether it may again, in milliseconds. */
const lookMilliseconds = 100;

/** Claims only while this process knows which settings are in force; what was claimed too late is given back. */
export const guardClaims = (store: DeliveryStore, mayClaim: () => boolean): DeliveryStore =>
  wrapDeliveryStore(store, {
    async claim(options) {
      while (!mayClaim()) {
        if (options.signal.aborted) return [];
        await pause(lookMilliseconds, undefined, { signal: options.signal }).catch(() => undefined);
      }
      const claims = await store.claim(options);
      // It may have waited for mail while the process was frozen or cut off.
      if (mayClaim()) return claims;
      const untried = { recipients: [], attempts: [], generated: [], release: true };
      await Promise.all(claims.map(({ lease }) => store.settle({ lease, ...untried })));
      return [];
    },
  });

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
  const worker = createWorker({ ...parts, store: guardClaims(store, mayClaim) });
  const dispatcher = new Dispatcher({ store: dispatch, queue, clock, log });
  dispatcher.start();
  closing.alongside('dispatcher', () => dispatcher.stop());
  worker.start();
  closing.alongside('worker', () => worker.stop(graceMilliseconds));
}
