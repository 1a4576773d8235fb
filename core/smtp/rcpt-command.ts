import type { Recipient } from '../domain/envelope.ts';
import { parseRcptCommand } from '../domain/path.ts';
import { reply } from '../domain/reply.ts';
import type { GateAnswer } from '../pipeline/pipeline.ts';
import type { ClientConnection } from './connection.ts';
import { lostRight, mayRelay } from './permission.ts';
import { inWords } from './plugin-words.ts';
import { replies } from './replies.ts';
import type { TransactionState } from './session-state.ts';
import { answerWithout, endTransaction } from './transaction-end.ts';

type Now<T> = T | Promise<T>;

/** RCPT TO (RFC 5321 §4.1.1.3). All gates run; then core asks for a right to relay, which no gate can stand in for. */
export function rcpt(connection: ClientConnection, argument: string): Now<void> {
  const { transaction, shared } = connection;
  if (connection.state.hello === null) return connection.reply(replies.sequence.hello);
  if (transaction === null) return connection.reply(replies.sequence.noMail);
  const { smtp } = shared.config;
  const command = parseRcptCommand(argument, {
    addresses: smtp.addresses,
    smtputf8: transaction.parameters.smtputf8 === true,
  });
  if ('code' in command) return connection.reply(command);
  const { address: recipient, parameters } = command;
  if (isKnown(transaction.recipients, command)) return connection.reply(replies.accepted.rcpt);
  if (transaction.recipients.length >= smtp.limits.recipients) {
    const most = smtp.limits.recipients;
    return connection.reply(reply(452, '4.5.3', `Too many recipients; send to ${most} at most in one message`));
  }
  const lost = lostRight(connection);
  if (lost !== null) {
    endTransaction(connection, 'refused', lost.reply);
    return connection.refuse(lost);
  }
  const { session, pipeline } = transaction;
  const answer = pipeline.gate('rcptTo', { session, transaction, recipient, parameters }, transaction.call);
  return answer instanceof Promise
    ? answer.then((later) => decide(connection, transaction, command, later))
    : decide(connection, transaction, command, answer);
}

function decide(
  connection: ClientConnection,
  transaction: TransactionState,
  recipient: Recipient,
  { refused, grant, text }: GateAnswer,
): void {
  if (connection.transaction !== transaction) {
    answerWithout(connection, refused);
    return;
  }
  if (refused === undefined && (mayRelay(connection) || grant !== undefined)) {
    transaction.recipients.push(recipient);
    connection.reply(inWords(replies.accepted.rcpt, text));
    return;
  }
  transaction.refusedRecipients.push(recipient.address.text);
  connection.refuse(refused ?? { do: 'reject', reply: replies.permission.relaying, plugin: 'core' });
}

/** Domains are equal without case; local parts only as they are (RFC 5321 §2.4). */
const isKnown = (recipients: readonly Recipient[], { address }: Recipient): boolean =>
  recipients.some((known) => known.address.local === address.local && known.address.domain === address.domain);
