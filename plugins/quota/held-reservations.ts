import type { Logger } from '../../core/observability/log.ts';
import type { Transaction } from '../../core/pipeline/plugin.ts';
import type { Counters, Reservation } from '../../core/storage/ports/counters.ts';

/** A third of a reservation's lease, so that two renewals may fail. */
const renewalMilliseconds = 20_000;

/**
 * What the open transactions hold, one unit a recipient. Core settles it before the commit or releases it at the end;
 * here it is renewed while it lasts, and given back where a recipient or the whole transaction went away meanwhile.
 */
export class HeldReservations {
  readonly #counters: Counters;
  readonly #log: Logger;
  readonly #held = new Map<Transaction, Reservation[]>();
  /** A reservation may arrive after its transaction ended. */
  readonly #ended = new WeakSet<Transaction>();
  readonly #timer: NodeJS.Timeout;

  constructor(counters: Counters, log: Logger) {
    this.#counters = counters;
    this.#log = log;
    this.#timer = setInterval(() => this.renew(), renewalMilliseconds).unref();
  }

  /** Hands a reservation to its transaction. */
  keep(transaction: Transaction, reservation: Reservation): void | Promise<void> {
    if (this.#ended.has(transaction)) return this.#counters.release([reservation]);
    transaction.reservations.push(reservation);
    const mine = this.#held.get(transaction);
    if (mine === undefined) this.#held.set(transaction, [reservation]);
    else mine.push(reservation);
  }

  /** Gives back what is held for recipients that were refused after they had been counted. */
  fit(transaction: Transaction): void | Promise<void> {
    const mine = this.#held.get(transaction);
    if (mine === undefined || mine.length <= transaction.recipients.length) return;
    const surplus = mine.splice(transaction.recipients.length);
    const others = transaction.reservations.filter((reservation) => !surplus.includes(reservation));
    transaction.reservations.splice(0, transaction.reservations.length, ...others);
    return this.#counters.release(surplus);
  }

  end(transaction: Transaction): void {
    this.#ended.add(transaction);
    this.#held.delete(transaction);
  }

  async renew(): Promise<void> {
    try {
      for (const reservations of this.#held.values()) await this.#counters.renew(reservations);
    } catch (error) {
      this.#log.warn({ err: error }, 'reservations could not be renewed; they are made anew before the commit');
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
