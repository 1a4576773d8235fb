import { uuidv7 } from 'uuidv7';
import { type MailCommand, parseMailCommand } from '../domain/path.ts';
import type { Reply } from '../domain/reply.ts';
import type { GateAnswer, Pipeline, RefusedBy } from '../pipeline/pipeline.ts';
import type { ClientConnection } from './connection.ts';
import { tooLarge } from './data-scanner.ts';
import { lostRight, mayRelay } from './permission.ts';
import { inWords } from './plugin-words.ts';
import { replies } from './replies.ts';
import { TransactionState } from './session-state.ts';
import { answerWithout, endTransaction } from './transaction-end.ts';

type Now<T> = T | Promise<T>;

/** MAIL FROM (RFC 5321 §4.1.1.2): opens a transaction, with the pipeline that is in force now. */
export function mail(connection: ClientConnection, argument: string): Now<void> {
  const { state, shared } = connection;
  if (state.hello === null) return connection.reply(replies.sequence.hello);
  if (connection.transaction !== null) return connection.reply(replies.sequence.nestedMail);
  if (shared.closing) return connection.farewell(replies.closing.shutdown);
  if (connection.deadlines.aged) return connection.farewell(replies.closing.age);
  const command = parseMailCommand(argument, shared.config.smtp);
  if ('code' in command) return connection.reply(command);
  const pipeline = connection.pipeline();
  const changed =
    pipeline.version === connection.pipelineVersion
      ? null
      : shared.pipelines.changedSince(state.listener, connection.pipelineVersion);
  if (changed?.has('command') && handsOver(connection)) return connection.farewell(replies.closing.changed);

  const transaction = new TransactionState(
    uuidv7(),
    state,
    pipeline,
    command.address,
    command.parameters,
    connection.signal,
  );
  connection.transaction = transaction;
  const lost = lostRight(connection);
  if (lost !== null) return refuse(connection, lost);
  const refusal = ownRefusal(connection, pipeline, command);
  if (refusal !== null) return refuse(connection, { do: 'reject', reply: refusal, plugin: 'core' });
  if (changed === null) return ask(connection, transaction);
  const caughtUp = catchUp(connection, changed);
  const goOn = (answer: GateAnswer): Now<void> => {
    if (connection.transaction !== transaction) return answerWithout(connection, answer.refused);
    if (answer.refused !== undefined) return refuse(connection, answer.refused);
    connection.pipelineVersion = pipeline.version;
    return ask(connection, transaction);
  };
  return caughtUp instanceof Promise ? caughtUp.then(goOn) : goOn(caughtUp);
}

const handsOver = ({ policy }: ClientConnection): boolean =>
  policy.config.auth === 'plugin' || policy.config.starttls === 'plugin';

/** What core refuses by itself: no right to relay, too large, no room. */
function ownRefusal(connection: ClientConnection, pipeline: Pipeline, { parameters }: MailCommand): Reply | null {
  const { config, store } = connection.shared;
  if (connection.policy.config.require_login && !mayRelay(connection) && !pipeline.mayGrant) {
    return replies.permission.loginRequired;
  }
  const { size } = config.smtp.limits;
  if (parameters.size !== undefined && parameters.size > size) return tooLarge(size);
  return store.hasRoom() ? null : replies.capacity.noRoom;
}

/** Plugins that came or changed since this session began have not seen it yet: they are asked connect and helo now. */
function catchUp(connection: ClientConnection, changed: Pipeline): Now<GateAnswer> {
  const { state } = connection;
  const { hello } = state;
  const connected = changed.gate('connect', { session: state }, connection.call());
  const greet = (answer: GateAnswer): Now<GateAnswer> =>
    answer.refused !== undefined || hello === null
      ? answer
      : changed.gate('helo', { session: state, ...hello }, connection.call());
  return connected instanceof Promise ? connected.then(greet) : greet(connected);
}

function ask(connection: ClientConnection, transaction: TransactionState): Now<void> {
  const { session, sender, parameters, pipeline } = transaction;
  const answer = pipeline.gate('mailFrom', { session, transaction, sender, parameters }, transaction.call);
  const decide = ({ refused, text }: GateAnswer): void => {
    if (connection.transaction !== transaction) {
      answerWithout(connection, refused);
      return;
    }
    if (refused !== undefined) refuse(connection, refused);
    else connection.reply(inWords(replies.accepted.mail, text));
  };
  return answer instanceof Promise ? answer.then(decide) : decide(answer);
}

function refuse(connection: ClientConnection, refused: RefusedBy): void {
  const { transaction } = connection;
  if (transaction !== null) transaction.refusal = refused.reply;
  endTransaction(connection, 'refused', refused.reply);
  connection.refuse(refused);
}
