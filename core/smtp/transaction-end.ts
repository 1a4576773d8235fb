import type { RefusalRecord } from '../domain/message.ts';
import { type Reply, replyLine } from '../domain/reply.ts';
import type { TransactionOutcome } from '../pipeline/hooks.ts';
import type { RefusedBy } from '../pipeline/pipeline.ts';
import type { ClientConnection } from './connection.ts';
import { replies } from './replies.ts';
import { sourceOf, type TransactionState } from './session-state.ts';

/**
 * Ends the open transaction, if there is one: exactly once for each MAIL, whatever ends it. A reset or lost one whose
 * recipients were all refused counts as refused, with the last refusal the client saw that was about them.
 */
export function endTransaction(
  connection: ClientConnection,
  outcome: TransactionOutcome,
  reply: Reply | null = null,
): void {
  const transaction = connection.transaction;
  if (transaction === null) return;
  connection.transaction = null;
  const inVain = outcome !== 'accepted' && transaction.recipients.length === 0 && transaction.refusal !== null;
  const ended = inVain ? 'refused' : outcome;
  const last = reply ?? (ended === 'refused' ? transaction.refusal : null);
  if (ended !== 'accepted') forget(connection, transaction, ended, last);
  const { pipeline, session, trace } = transaction;
  if (pipeline.has('transactionEnd')) {
    pipeline.tell('transactionEnd', { session, transaction, outcome: ended, reply: last }, { trace });
  }
  transaction.release();
}

/** Answers a command whose transaction was over before its gates had answered: a plugin reset it, or the client left. */
export function answerWithout(connection: ClientConnection, refused: RefusedBy | undefined): void {
  if (!connection.gone) {
    connection.refuse(refused ?? { do: 'defer', reply: replies.failure.internal, plugin: 'core' });
  }
}

function forget(
  connection: ClientConnection,
  transaction: TransactionState,
  outcome: RefusalRecord['outcome'],
  last: Reply | null,
): void {
  const { store, clock } = connection.shared;
  if (transaction.reservations.length > 0) void release(connection, transaction);
  const { session, identity, sender } = transaction;
  // The store keeps only so many a minute and address, and counts the rest.
  store.recordRefusal({
    id: transaction.id,
    at: clock.now(),
    outcome,
    ownerId: identity?.ownerId ?? null,
    credentialId: identity?.credentialId ?? null,
    source: sourceOf(session),
    sender: sender?.text ?? '',
    recipients: [...transaction.recipients.map(({ address }) => address.text), ...transaction.refusedRecipients],
    reply: last === null ? null : replyLine(last),
    trace: transaction.trace.entries(),
    pipelineVersion: transaction.pipelineVersion,
  });
}

/** Nobody waits for it: a reservation that cannot be given back ends with its lease. */
async function release(connection: ClientConnection, transaction: TransactionState): Promise<void> {
  const { counters, log } = connection.shared;
  try {
    await counters.release(transaction.reservations);
  } catch (error) {
    log.warn({ err: error, transaction: transaction.id }, 'counters could not be released');
  }
}
