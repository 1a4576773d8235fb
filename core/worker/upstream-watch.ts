import { type Delivery, type DeliveryJob, routeNames } from '../domain/delivery.ts';
import type { Phase } from '../domain/message.ts';
import type { Logger } from '../observability/log.ts';
import type { DeliveryStore } from '../storage/ports/delivery-store.ts';

const sessionPhases = new Set<Phase>(['connect', 'greeting', 'hello', 'tls', 'auth']);

/** Over how long the mail comes back that waited for an upstream, in milliseconds. */
const wakeSpread = 10_000;
/** Upstreams remembered to work. */
const mostFlowing = 1_000;

/** Learns from deliveries which upstreams hold mail back, and wakes that mail once one works again. */
export class UpstreamWatch {
  readonly #store: DeliveryStore;
  readonly #log: Logger;
  /** Upstreams that work, and for which no mail waits. What is not here may be waited for: since before the start, too. */
  readonly #flowing = new Set<string>();

  constructor(store: DeliveryStore, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  /** Called after every delivery; cheap while all is well. */
  saw({ route }: DeliveryJob, { outcomes, attempts }: Delivery): void {
    const postponed = outcomes.some((outcome) => outcome.do === 'postponed');
    if (postponed) for (const name of routeNames(route)) this.#flowing.delete(name);
    const last = attempts.at(-1);
    if (postponed || last === undefined || sessionPhases.has(last.phase) || this.#flowing.has(last.upstream)) return;
    // Plugins may send to any number of servers; what is forgotten costs one more look for mail that waits.
    if (this.#flowing.size >= mostFlowing) this.#flowing.clear();
    this.#flowing.add(last.upstream);
    this.#wake(last.upstream);
  }

  #wake(upstream: string): void {
    this.#store.wakeUpstream(upstream, wakeSpread).then(
      (woken) => {
        if (woken > 0) this.#log.info({ upstream, woken }, 'mail that waited for this upstream goes on');
      },
      (error: unknown) => this.#log.error({ err: error, upstream }, 'waiting mail could not be woken'),
    );
  }
}
