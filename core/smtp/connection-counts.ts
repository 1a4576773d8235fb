import { clientNetwork } from '../domain/ip-network.ts';

/** A connection's place among those that may be open at once. */
export interface ConnectionPlace {
  /** Counts it to its client, as soon as that is known; false where the client has too many. Once a place. */
  assign(address: string): boolean | Promise<boolean>;
  /** Gives the place back, that of the client too. Idempotent. */
  leave(): void;
}

/** Why there is no place: in all, of this client, or because who counts did not answer. */
export type NoPlace = 'full' | 'client-full' | 'unknown';

/** Who counts the open connections: this process itself, or another for several. */
export interface ConnectionPlaces {
  /** Connections of this process that have a place. */
  readonly total: number;
  /** Takes a place; where the client is known already, one of the client's, too. */
  enter(address: string | null): ConnectionPlace | NoPlace | Promise<ConnectionPlace | NoPlace>;
}

export interface ConnectionLimits {
  readonly connections: number;
  readonly connections_per_address: number;
}

/** How many connections are open, in all and by client; an IPv6 /64 counts as one client. */
export class ConnectionCounts implements ConnectionPlaces {
  readonly #limits: ConnectionLimits;
  readonly #clients = new Map<string, number>();
  #total = 0;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  get total(): number {
    return this.#total;
  }

  enter(address: string | null): CountedPlace | 'full' | 'client-full' {
    if (this.#total >= this.#limits.connections) return 'full';
    this.#total++;
    const place = new CountedPlace(this);
    if (address === null || place.assign(address)) return place;
    place.leave();
    return 'client-full';
  }

  /** The key of the client that was counted in; null where it has too many. */
  countIn(address: string): string | null {
    const client = clientNetwork(address);
    const count = this.#clients.get(client) ?? 0;
    if (count >= this.#limits.connections_per_address) return null;
    this.#clients.set(client, count + 1);
    return client;
  }

  countOut(client: string | null): void {
    this.#total--;
    if (client === null) return;
    const left = (this.#clients.get(client) ?? 1) - 1;
    if (left === 0) this.#clients.delete(client);
    else this.#clients.set(client, left);
  }
}

export class CountedPlace implements ConnectionPlace {
  readonly #counts: ConnectionCounts;
  #client: string | null = null;
  #left = false;

  constructor(counts: ConnectionCounts) {
    this.#counts = counts;
  }

  assign(address: string): boolean {
    if (this.#left) return false;
    this.#client = this.#counts.countIn(address);
    return this.#client !== null;
  }

  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#counts.countOut(this.#client);
  }
}
