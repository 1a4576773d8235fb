import type { Queued } from '../../pipeline/hooks.ts';
import type { Message, Session, Transaction } from '../../pipeline/session.ts';

/**
 * Core's way from an accepted transaction to a durable record: missing Date and Message-ID are added, reservations
 * settled, record and body committed. Plugins answer `queue` through it.
 */
export interface Spool {
  /**
   * Resolves when the message is durable. Rejects with a `SluiceError`: `STORE_FULL` becomes 452, `RATE_LIMITED` (a
   * reservation ran out) 452, anything else 451.
   */
  commit(session: Session, transaction: Transaction, message: Message, disposition?: Queued): Promise<void>;
}
