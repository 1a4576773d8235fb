import type { Claim, DeliveryStore, Lease, Settled, Settlement } from '../../ports/delivery-store.ts';
import type { MongodbDatabase } from '../client.ts';
import type { Bodies } from './bodies.ts';
import type { ClaimDesk, ClaimOptions } from './claim-desk.ts';
import type { Leases } from './leases.ts';
import type { MongodbQueueActions } from './queue-actions.ts';
import type { Settlements } from './settlements.ts';

export interface DeliveryStoreParts {
  readonly database: MongodbDatabase;
  readonly desk: ClaimDesk;
  readonly leases: Leases;
  readonly settlements: Settlements;
  readonly actions: MongodbQueueActions;
  readonly bodies: Bodies;
}

/** The worker's side of the spool. */
export class MongodbDeliveryStore implements DeliveryStore {
  readonly #parts: DeliveryStoreParts;

  constructor(parts: DeliveryStoreParts) {
    this.#parts = parts;
  }

  claim(options: ClaimOptions): Promise<Claim[]> {
    return this.#parts.desk.claim(options);
  }

  async renew(leases: readonly Lease[], leaseMilliseconds: number): Promise<readonly string[]> {
    // With nothing to renew, whoever asks wants to know what the claims before it brought.
    if (leases.length === 0) await this.#parts.desk.looked();
    return this.#parts.database.ask(() => this.#parts.leases.renew(leases, leaseMilliseconds));
  }

  tellDot(lease: Lease, recipients: readonly number[]): Promise<boolean> {
    return this.#parts.database.ask(() => this.#parts.leases.tellDot(lease, recipients));
  }

  settle(settlement: Settlement): Promise<Settled> {
    return this.#parts.settlements.settle(settlement);
  }

  readChunk(id: string, n: number): Promise<Uint8Array | null> {
    return this.#parts.database.ask(() => this.#parts.bodies.read(id, n));
  }

  wakeUpstream(upstream: string, spreadMilliseconds: number): Promise<number> {
    return this.#parts.actions.wakeUpstream(upstream, spreadMilliseconds);
  }
}
