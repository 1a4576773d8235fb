type Now<T> = T | Promise<T>;

/** One window of one owner, and the most it holds. A window without a limit is not counted: leave it out. */
export interface CounterWindow {
  /**
   * Whose windows are reserved together: the user's id, for the user's own windows and those of his credentials. All
   * windows of one call name the same account, so that one Redis of a cluster holds them.
   */
  readonly account: string;
  /** Who is counted: `credential:<id>` or `user:<id>`. */
  readonly owner: string;
  /** `hour:2026-11-22T14Z` or `day:2026-11-22[Europe/Berlin]`. */
  readonly window: string;
  readonly limit: number;
  /** When the window begins and ends, milliseconds since the epoch. */
  readonly startsAt: number;
  readonly endsAt: number;
}

/** Units held in some windows until settled or released. Opaque to its holder. */
export interface Reservation {
  readonly id: string;
  readonly windows: readonly CounterWindow[];
  readonly units: number;
}

/** Settled units of a window, as they are kept in the database so that a restart forgets no quota. */
export interface CounterTotal {
  readonly owner: string;
  readonly window: string;
  readonly units: number;
  readonly endsAt: number;
}

export type Reserved =
  | { readonly ok: true; readonly reservation: Reservation }
  | { readonly ok: false; readonly exceeded: CounterWindow; readonly used: number };

/**
 * Counters for quotas, exact across all processes: never more than `limit` is settled and held together.
 * Where counters cannot be reached every call rejects, and the caller answers 451.
 */
export interface Counters {
  /** All windows or none. A window never heard of starts from what the database says was accepted in it. */
  reserve(windows: readonly CounterWindow[], units: number): Now<Reserved>;
  /**
   * Before the commit. An unknown or expired reservation is reserved anew; false if there is no room left then,
   * and then none of these is settled.
   */
  settle(reservations: readonly Reservation[]): Now<boolean>;
  /** After a commit that failed. */
  refund(reservations: readonly Reservation[]): Now<void>;
  /** Prolongs the leases of what is still held (60 s from now); whoever holds a reservation calls it while it lasts. */
  renew(reservations: readonly Reservation[]): Now<void>;
  /** Gives back what was not settled; idempotent, and a no-op for settled ones. */
  release(reservations: readonly Reservation[]): Now<void>;
  /** Settled and held units. */
  used(window: CounterWindow): Now<number>;
}

/** What stands in a window. */
export interface WindowStanding {
  readonly settled: number;
  readonly held: number;
}

/** The reading side, for who shows quotas: it counts nothing and creates no window. */
export interface CounterReader {
  /** One for each window of one account, in their order; zeros for one that nothing was counted in. */
  standing(windows: readonly CounterWindow[]): Now<readonly WindowStanding[]>;
}
