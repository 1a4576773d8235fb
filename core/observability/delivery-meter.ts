import type { RecipientState } from '../domain/message.ts';
import type { DeliveryStore } from '../storage/ports/delivery-store.ts';
import { wrapDeliveryStore } from '../storage/rules/wrapped-delivery-store.ts';

/** Recipients tried at an upstream, by what became of them. */
export interface DeliveryNumbers {
  readonly upstream: string;
  readonly state: RecipientState;
  readonly recipients: number;
}

/** Upstreams counted apart: plugins may send to any number of servers, and each name is a series of the metrics. */
const mostNames = 200;
const others = 'others';

/** Counts what deliveries brought, once it is settled. */
export class DeliveryMeter {
  readonly #counts = new Map<string, Map<RecipientState, number>>();

  /** The same store, whose settlements are counted. */
  watch(store: DeliveryStore): DeliveryStore {
    return wrapDeliveryStore(store, {
      settle: async (settlement) => {
        const settled = await store.settle(settlement);
        if (settled.status === 'settled') {
          for (const { upstream, results } of settlement.attempts) {
            for (const { state } of results) this.#count(upstream, state);
          }
        }
        return settled;
      },
    });
  }

  numbers(): DeliveryNumbers[] {
    return [...this.#counts].flatMap(([upstream, states]) =>
      [...states].map(([state, recipients]) => ({ upstream, state, recipients })),
    );
  }

  #count(upstream: string, state: RecipientState): void {
    const name = this.#counts.has(upstream) || this.#counts.size < mostNames ? upstream : others;
    const states = this.#counts.get(name) ?? new Map<RecipientState, number>();
    this.#counts.set(name, states);
    states.set(state, (states.get(state) ?? 0) + 1);
  }
}
