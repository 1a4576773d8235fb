import { type Reply, reply } from '../domain/reply.ts';
import type { GateAnswer } from '../pipeline/pipeline.ts';
import type { Session } from '../pipeline/session.ts';
import type { ClientConnection } from './connection.ts';
import { inWords } from './plugin-words.ts';
import { endTransaction } from './transaction-end.ts';

type Now<T> = T | Promise<T>;

/**
 * Asks whether the client may speak at all: the blocked addresses, then the `connect` gates. `greet` is given the 220;
 * a refusal is sent here. One that does not disconnect is all the client hears from then on (RFC 5321 §3.1).
 */
export function admit(connection: ClientConnection, greet: (greeting: Reply) => void): Now<void> {
  const { shared, state } = connection;
  const blocked = shared.access.addressBlocked(state.remote.address);
  if (blocked !== null) return connection.farewell(blocked);
  const pipeline = connection.pipeline();
  // Who greeted already has not passed the `helo` gates of this version: MAIL asks those that changed.
  if (state.hello === null) connection.pipelineVersion = pipeline.version;
  const answer = pipeline.gate('connect', { session: state }, connection.call());
  const decide = ({ refused, text }: GateAnswer): void => {
    if (connection.gone) return;
    if (refused === undefined) greet(inWords(reply(220, null, `${shared.hostname} ESMTP Sluice`), text));
    else if (refused.do === 'disconnect') connection.refuse(refused);
    else connection.turnAway(refused);
  };
  return answer instanceof Promise ? answer.then(decide) : decide(answer);
}

/**
 * A plugin learned who really speaks (XCLIENT): whoever did before is forgotten, and the client is admitted like one that
 * connects. `formerHello` is how the former one greeted; another greeting was assumed for the new one. `words` is sent
 * in place of the 220.
 */
export function admitAnother(
  connection: ClientConnection,
  formerHello: Session['hello'],
  words: Reply | null,
): Now<void> {
  const { state } = connection;
  endTransaction(connection, 'reset');
  state.identity = null;
  if (state.hello === formerHello) state.hello = null;
  return admit(connection, (greeting) => connection.reply(words ?? greeting));
}
