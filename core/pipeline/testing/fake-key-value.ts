import type { Clock } from '../../domain/clock.ts';
import type { KeyValueStore } from '../../storage/ports/key-value.ts';

/** Key-value pairs in memory; values go through JSON, as they do in the store. */
export class FakeKeyValue implements KeyValueStore {
  readonly #pairs = new Map<string, { readonly json: string; readonly expiresAt: number }>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async get(key: string): Promise<unknown> {
    const pair = this.#pairs.get(key);
    return pair === undefined || pair.expiresAt <= this.#clock.now() ? undefined : JSON.parse(pair.json);
  }

  async set(key: string, value: unknown, expiresAt = Number.POSITIVE_INFINITY): Promise<void> {
    this.#pairs.set(key, { json: JSON.stringify(value), expiresAt });
  }

  async delete(key: string): Promise<void> {
    this.#pairs.delete(key);
  }
}
