/** Instead of an entry's id: so many entries changed that the whole list has to be read again. */
export const wholeBlacklist = 'all';

/** Tells every process that something changed; the receiver reads the new state from the database. */
export type BusEvent =
  | { readonly kind: 'user' | 'credential' | 'blacklist' | 'webhook'; readonly id: string }
  | { readonly kind: 'settings'; readonly version: number }
  /** Events were lost on their way here: whatever may have changed has to be read again. */
  | { readonly kind: 'missed' };

export interface Bus {
  publish(event: BusEvent): void;
  /** Answers the function that ends the subscription. */
  subscribe(listener: (event: BusEvent) => void): () => void;
}
