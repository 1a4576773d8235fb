import type { EventFilter, SluiceEvent } from '../../domain/event.ts';

/** How long an event can be read, at least, in milliseconds. */
export const eventsKeptFor = 86_400_000;

export interface EventPage {
  /** In the order of their ids. */
  readonly events: readonly SluiceEvent[];
  /** Everything up to this id has been looked at: ask for what comes after it. */
  readonly through: number;
  /** False where nothing was left to look at. */
  readonly more: boolean;
}

/**
 * What happened, in the order in which it was stored, kept for 24 hours. Events are written in the commit that accepts
 * or settles (SQLite), or published from the record's outbox (MongoDB), by the adapters themselves: `MessageStore.commit`
 * and `recordRefusal` (of refusals that have a row of their own), `DeliveryStore.settle`, `QueueActions`, and
 * `SettingsStore.accept`. No id comes into sight after a higher one did.
 */
export interface Events {
  /** Looks at up to `limit` events after the id `after`, and answers those that are meant. */
  list(filter: EventFilter, options: { readonly after: number; readonly limit: number }): Promise<EventPage>;
  /** Id of the newest event ever stored (0: none), and of the oldest that can be read (`newest + 1`: none). */
  bounds(): Promise<{ readonly oldest: number; readonly newest: number }>;
  /**
   * Calls `listener` soon (within 2 s) after events were stored, by whichever process. One call may stand for many.
   * Answers the function that ends it.
   */
  watch(listener: () => void): () => void;
}
