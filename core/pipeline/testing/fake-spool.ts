import type { Spool } from '../../storage/ports/spool.ts';
import type { Queued } from '../hooks.ts';
import type { Message, Session, Transaction } from '../session.ts';

export interface Commit {
  readonly session: Session;
  readonly transaction: Transaction;
  readonly message: Message;
  readonly disposition: Queued;
}

/** A spool that remembers what was committed, and can be made to fail. */
export class FakeSpool implements Spool {
  readonly commits: Commit[] = [];
  /** Set to make every commit reject with it. */
  failure: Error | null = null;

  async commit(session: Session, transaction: Transaction, message: Message, disposition?: Queued): Promise<void> {
    if (this.failure !== null) throw this.failure;
    this.commits.push({ session, transaction, message, disposition: disposition ?? { as: 'queued' } });
  }
}
