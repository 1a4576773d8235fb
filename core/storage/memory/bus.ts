import type { Logger } from '../../observability/log.ts';
import type { Bus, BusEvent } from '../ports/bus.ts';

/** The bus of a single process: every listener is called before `publish` returns; one that throws harms nobody else. */
export class MemoryBus implements Bus {
  readonly #listeners = new Set<{ readonly listen: (event: BusEvent) => void }>();
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  publish(event: BusEvent): void {
    for (const { listen } of [...this.#listeners]) {
      try {
        listen(event);
      } catch (error) {
        this.#log.error({ err: error, event: event.kind }, 'a listener of the bus failed');
      }
    }
  }

  subscribe(listener: (event: BusEvent) => void): () => void {
    // An object of its own, so that one function subscribed twice is heard, and unsubscribed, twice.
    const entry = { listen: listener };
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }
}
