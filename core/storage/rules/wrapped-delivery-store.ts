import type { DeliveryStore } from '../ports/delivery-store.ts';

/** Every method, also those that a store may lack: one that is added to the port has to be named here. */
type Whole = { [K in keyof Required<DeliveryStore>]: DeliveryStore[K] | undefined };

/**
 * A store that answers as `store` does but for what `over` says. What `store` lacks is lacking here, too: a worker asks
 * `tellDot` before the final dot, and a wrapper that forgot it would let a dot out that nobody knows of.
 */
export function wrapDeliveryStore(store: DeliveryStore, over: Partial<DeliveryStore>): DeliveryStore {
  const { tellDot } = store;
  const whole = {
    claim: (options) => store.claim(options),
    renew: (leases, leaseMilliseconds) => store.renew(leases, leaseMilliseconds),
    tellDot: tellDot === undefined ? undefined : (lease, recipients) => tellDot.call(store, lease, recipients),
    settle: (settlement) => store.settle(settlement),
    readChunk: (id, n) => store.readChunk(id, n),
    wakeUpstream: (upstream, spreadMilliseconds) => store.wakeUpstream(upstream, spreadMilliseconds),
  } satisfies Whole;
  const { tellDot: told, ...others } = whole;
  return { ...others, ...(told === undefined ? {} : { tellDot: told }), ...over };
}
