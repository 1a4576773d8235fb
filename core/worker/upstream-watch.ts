import type { Clock } from '../domain/clock.ts';
import type { Delivery, DeliveryJob } from '../domain/delivery.ts';
import type { Attempt, Phase } from '../domain/message.ts';
import type { Logger } from '../observability/log.ts';
import type { DeliveryStore } from '../storage/ports/delivery-store.ts';

/** What the last attempt at an upstream showed. */
export interface UpstreamState {
  readonly name: string;
  /** Null where no attempt was made yet. */
  readonly reachable: boolean | null;
  /** True while mail waits for it to come back. */
  readonly holdingBack: boolean;
  /** Since when `reachable` is as it is. */
  readonly since: number;
  readonly lastReply: string | null;
}

const sessionPhases = new Set<Phase>(['connect', 'greeting', 'hello', 'tls', 'auth']);

/** Over how long the mail comes back that waited for an upstream, in milliseconds. */
const wakeSpread = 10_000;

/** Watches what deliveries say of the upstreams, and wakes the mail that was held back once one answers again. */
export class UpstreamWatch {
  readonly #store: DeliveryStore;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #states = new Map<string, UpstreamState>();

  constructor(store: DeliveryStore, clock: Clock, log: Logger) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  get states(): readonly UpstreamState[] {
    return [...this.#states.values()];
  }

  /** Called after every delivery; cheap while all is well. */
  saw(job: DeliveryJob, delivery: Delivery): void {
    const postponed = delivery.outcomes.find((outcome) => outcome.do === 'postponed');
    for (const attempt of delivery.attempts) {
      const worked =
        !sessionPhases.has(attempt.phase) && !(postponed !== undefined && attempt === delivery.attempts.at(-1));
      if (worked) this.#worked(attempt.upstream);
      else this.#failed(attempt.upstream, attempt);
    }
    if (postponed === undefined || delivery.attempts.length > 0) return;
    for (const name of job.route.upstreams) this.#failed(name, null);
  }

  #worked(name: string): void {
    const before = this.#states.get(name);
    if (before?.reachable === true && !before.holdingBack) return;
    this.#states.set(name, { name, reachable: true, holdingBack: false, since: this.#clock.now(), lastReply: null });
    // Also at the first success after a start: mail may wait since before it.
    this.#store.wakeUpstream(name, wakeSpread).then(
      (woken) => {
        if (woken > 0) this.#log.info({ upstream: name, woken }, 'mail that waited for this upstream goes on');
      },
      (error: unknown) => this.#log.error({ err: error, upstream: name }, 'waiting mail could not be woken'),
    );
  }

  #failed(name: string, attempt: Attempt | null): void {
    const before = this.#states.get(name);
    this.#states.set(name, {
      name,
      reachable: attempt === null ? (before?.reachable ?? null) : false,
      holdingBack: true,
      since: before === undefined || before.reachable !== false ? this.#clock.now() : before.since,
      lastReply: attempt?.results[0]?.reply ?? before?.lastReply ?? null,
    });
  }
}
