import { type Reply, reply } from '../domain/reply.ts';
import { admitAnother } from './admission.ts';
import type { ClientConnection } from './connection.ts';
import { replies } from './replies.ts';
import { endTransaction } from './transaction-end.ts';

type Now<T> = T | Promise<T>;

/** Asks the `command` hook first. `core` answers, and does what the command is for, unless a plugin refuses it. */
export function handOver(
  connection: ClientConnection,
  verb: string,
  argument: string,
  core: (answered: Reply | null | undefined) => void,
): Now<void> {
  const pipeline = connection.pipeline();
  if (!pipeline.has('command')) return core(undefined);
  const { state, transaction, line } = connection;
  const { hello } = state;
  const answer = pipeline.first(
    'command',
    { session: state, transaction, command: { verb, argument, line } },
    connection.call(),
  );
  const decide = (decision: Awaited<typeof answer>): Now<void> => {
    if (connection.gone) return;
    if (decision === undefined) return core(undefined);
    if (decision.do !== 'accept') return connection.refuse(decision);
    if (decision.value.again === 'connect') return admitAnother(connection, hello, decision.value.reply);
    return core(decision.value.reply);
  };
  return answer instanceof Promise ? answer.then(decide) : decide(answer);
}

/** Sends what a plugin answered, which may be nothing, or else core's own reply. */
function say(connection: ClientConnection, answered: Reply | null | undefined, own: Reply): void {
  if (answered === undefined) connection.reply(own);
  else if (answered !== null) connection.reply(answered, 'plugin');
}

export const noop = (connection: ClientConnection, argument: string): Now<void> =>
  handOver(connection, 'NOOP', argument, (answered) => say(connection, answered, replies.accepted.noop));

export function reset(connection: ClientConnection, argument: string): Now<void> {
  if (argument !== '') return connection.reply(replies.syntax.noArgument);
  return handOver(connection, 'RSET', argument, (answered) => {
    endTransaction(connection, 'reset');
    say(connection, answered, replies.accepted.reset);
  });
}

export function quit(connection: ClientConnection, argument: string): Now<void> {
  if (argument !== '') return connection.reply(replies.syntax.noArgument);
  return handOver(connection, 'QUIT', argument, (answered) => {
    say(connection, answered, replies.accepted.quit);
    connection.close();
  });
}

export const verify = (connection: ClientConnection, argument: string): Now<void> =>
  handOver(connection, 'VRFY', argument, (answered) =>
    say(connection, answered, argument === '' ? replies.syntax.verify : replies.accepted.verify),
  );

/** Everything else: a plugin may know it; core knows HELP, and that EXPN is never told. */
export const unknown = (connection: ClientConnection, verb: string, argument: string): Now<void> =>
  handOver(connection, verb, argument, (answered) => say(connection, answered, unknownReply(verb)));

function unknownReply(verb: string): Reply {
  if (verb === 'HELP') return replies.accepted.help;
  return verb === 'EXPN' ? reply(502, '5.5.1', 'Lists are not expanded here') : replies.syntax.unknownCommand;
}
