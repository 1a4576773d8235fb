import type { RefusedBy } from '../pipeline/pipeline.ts';
import type { ClientConnection } from './connection.ts';
import { DataPhase } from './data-phase.ts';
import { replies } from './replies.ts';
import { answerWithout, endTransaction } from './transaction-end.ts';

type Now<T> = T | Promise<T>;

/** DATA up to its 354 (RFC 5321 §4.1.1.4). */
export function data(connection: ClientConnection, argument: string): Now<void> {
  const { transaction } = connection;
  if (connection.state.hello === null) return connection.reply(replies.sequence.hello);
  if (transaction === null) return connection.reply(replies.sequence.noMail);
  if (argument !== '') return connection.reply(replies.syntax.noArgument);
  if (transaction.recipients.length === 0) {
    const tried = transaction.refusedRecipients.length > 0;
    return connection.reply(tried ? replies.sequence.noValidRecipients : replies.sequence.noRecipients);
  }
  if (connection.shared.closing) return connection.farewell(replies.closing.shutdown);
  const { session, pipeline } = transaction;
  const answer = pipeline.gate('data', { session, transaction }, transaction.call);
  const decide = ({ refused }: { refused?: RefusedBy }): void => {
    if (connection.transaction !== transaction) {
      answerWithout(connection, refused);
      return;
    }
    if (refused !== undefined) {
      endTransaction(connection, 'refused', refused.reply);
      connection.refuse(refused);
      return;
    }
    connection.dataPhase = new DataPhase(connection, transaction);
    connection.deadlines.wait('data');
    connection.reply(replies.accepted.data);
  };
  return answer instanceof Promise ? answer.then(decide) : decide(answer);
}
