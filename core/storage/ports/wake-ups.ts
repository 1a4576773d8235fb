/**
 * Tells the workers that a message may be due. Nothing true is in it: the claim alone decides who works on what, and
 * whatever wake-up gets lost is made up for by the dispatcher or by a look at the database.
 */
export interface WakeUp {
  /** The message. */
  readonly id: string;
  /** How often it had been claimed when this was sent: the wake-up of an earlier try is stale, and claims nothing. */
  readonly attempt: number;
}

export interface WakeUpSender {
  /** Never waited for, never rejects: what cannot be sent now is found in the database later. */
  send(wakeUps: readonly WakeUp[]): void;
}

export interface WakeUpSource {
  /**
   * Waits for up to `limit` wake-ups, each of which goes to one worker only. Answers none when it is time to look at the
   * database for due mail all the same (after 5 s at the latest, whatever the state of the queue), or once the signal aborts.
   */
  next(limit: number, signal: AbortSignal): Promise<readonly WakeUp[]>;
}

/** The database's side of the dispatcher. */
export interface DispatchStore {
  /**
   * Stamps up to `limit` messages as sent now (`dispatched_at`), the ones due longest first, and answers them. Only
   * those that are due, not leased, and not stamped after `sentBefore` (milliseconds since the epoch) for the try that is
   * due. The stamp is one conditional update a message, so that of two dispatchers only one gets it. A message that
   * was just committed counts as stamped: its commit is followed by a wake-up of its own.
   */
  dispatchable(options: { readonly limit: number; readonly sentBefore: number }): Promise<readonly WakeUp[]>;
}
