import { clientNetwork } from '../domain/ip-network.ts';

/** How many connections are open, in all and by client; an IPv6 /64 counts as one client. */
export class ConnectionCounts {
  readonly #mostOfClient: number;
  readonly #clients = new Map<string, number>();
  #total = 0;

  constructor(mostOfClient: number) {
    this.#mostOfClient = mostOfClient;
  }

  get total(): number {
    return this.#total;
  }

  /** Counts a connection in; answers the function that counts it out again, or null where its client has too many. */
  admit(address: string): (() => void) | null {
    const key = clientNetwork(address);
    const count = this.#clients.get(key) ?? 0;
    if (count >= this.#mostOfClient) return null;
    this.#clients.set(key, count + 1);
    this.#total++;
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      this.#total--;
      const left = (this.#clients.get(key) ?? 1) - 1;
      if (left === 0) this.#clients.delete(key);
      else this.#clients.set(key, left);
    };
  }
}
