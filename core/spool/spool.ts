import type { Clock } from '../domain/clock.ts';
import { SluiceError } from '../domain/errors.ts';
import { anonymousIdentity } from '../domain/identity.ts';
import type { MessageFacts, RecipientRecord } from '../domain/message.ts';
import { replyLine } from '../domain/reply.ts';
import type { Logger } from '../observability/log.ts';
import type { Queued } from '../pipeline/hooks.ts';
import type { Message, Session, Transaction } from '../pipeline/session.ts';
import type { Counters } from '../storage/ports/counters.ts';
import type { MessageStore } from '../storage/ports/message-store.ts';
import type { Spool } from '../storage/ports/spool.ts';
import { completeHeaders, kept } from './completed-headers.ts';
import { SpooledMessage } from './spooled-message.ts';
import { storedNotes } from './stored-notes.ts';

export interface SpoolOptions {
  readonly store: MessageStore;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly log: Logger;
  /** The name this relay goes by; right-hand side of the Message-IDs it makes. */
  readonly hostname: string;
}

function recipientRecords(transaction: Transaction, disposition: Queued, now: number): RecipientRecord[] {
  const queued = disposition.as === 'queued';
  const lastReply =
    disposition.as === 'relayed' ? replyLine(disposition.reply) : queued ? null : (disposition.text ?? 'discarded');
  return transaction.recipients.map(({ address, parameters }) => ({
    address: address.text,
    domain: address.domain,
    state: disposition.as,
    attempts: 0,
    nextAt: queued ? now : null,
    upstream: null,
    lastReply,
    finalAt: queued ? null : now,
    parameters,
  }));
}

function messageFacts(
  session: Session,
  transaction: Transaction,
  message: SpooledMessage,
  notes: MessageFacts['notes'],
  now: number,
): MessageFacts {
  const identity = transaction.identity ?? anonymousIdentity;
  const { headers, received } = message;
  return {
    id: transaction.id,
    origin: 'smtp',
    ownerId: identity.ownerId,
    credentialId: identity.credentialId,
    acceptedAt: now,
    source: {
      sessionId: session.id,
      listener: session.listener,
      clientAddress: session.remote.address,
      helo: session.hello?.name ?? null,
      tls: session.tls?.protocol ?? null,
    },
    sender: transaction.sender?.text ?? '',
    parameters: transaction.parameters,
    size: received.size,
    sha256: received.sha256,
    messageId: kept(headers.get('message-id')),
    subject: kept(headers.get('subject')),
    headerEdits: headers.edits,
    notes,
    trace: transaction.trace.entries(),
    pipelineVersion: transaction.pipelineVersion,
  };
}

class StoringSpool implements Spool {
  readonly #options: SpoolOptions;

  constructor(options: SpoolOptions) {
    this.#options = options;
  }

  async commit(
    session: Session,
    transaction: Transaction,
    message: Message,
    disposition: Queued = { as: 'queued' },
  ): Promise<void> {
    if (!(message instanceof SpooledMessage) || message.id !== transaction.id) {
      throw new SluiceError('INTERNAL', 'Only the message of this transaction can be committed');
    }
    await message.commit(() => this.#store(session, transaction, message, disposition));
  }

  async #store(
    session: Session,
    transaction: Transaction,
    message: SpooledMessage,
    disposition: Queued,
  ): Promise<void> {
    const { store, clock, hostname } = this.#options;
    const now = clock.now();
    completeHeaders(message.headers, message.id, hostname, now);
    const entry = {
      facts: messageFacts(session, transaction, message, this.#notes(transaction), now),
      recipients: recipientRecords(transaction, disposition, now),
      body: message.received.body,
    };
    if (transaction.reservations.length === 0) await store.commit(entry);
    else await this.#settled(transaction, message, () => store.commit(entry));
  }

  #notes({ id, notes }: Transaction): MessageFacts['notes'] {
    return storedNotes(notes, (problem) =>
      this.#options.log.error({ err: problem, transaction: id }, 'a note was not stored with its message'),
    );
  }

  /** Settles before the commit, so that no crash lets mail through uncounted; gives it back where the commit fails. */
  async #settled(transaction: Transaction, message: SpooledMessage, commit: () => Promise<void>): Promise<void> {
    const { counters, log } = this.#options;
    const reservations = [...transaction.reservations];
    if (!(await counters.settle(reservations))) {
      throw new SluiceError('RATE_LIMITED', 'The quota was used up while the message came in; try again later');
    }
    // Settled: whoever ends the transaction has nothing left to release.
    transaction.reservations.length = 0;
    try {
      if (message.givenUp) throw new SluiceError('STORE_UNAVAILABLE', 'The counters did not answer in time');
      await commit();
    } catch (error) {
      try {
        await counters.refund(reservations);
      } catch (refundError) {
        log.error({ err: refundError, id: transaction.id }, 'a reservation could not be refunded');
      }
      throw error;
    }
  }
}

/** Core's way from an accepted transaction to a durable record. */
export const createSpool = (options: SpoolOptions): Spool => new StoringSpool(options);
