import type { RecipientState } from '../domain/message.ts';
import type { DeliveryStore } from '../storage/ports/delivery-store.ts';
import { wrapDeliveryStore } from '../storage/rules/wrapped-delivery-store.ts';

/** Recipients tried at an upstream, by what became of them. */
export interface DeliveryNumbers {
  readonly upstream: string;
  readonly state: RecipientState;
  readonly recipients: number;
}

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
    const states = this.#counts.get(upstream) ?? new Map<RecipientState, number>();
    this.#counts.set(upstream, states);
    states.set(state, (states.get(state) ?? 0) + 1);
  }
}
