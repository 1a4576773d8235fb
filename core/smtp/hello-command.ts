import { reply } from '../domain/reply.ts';
import type { RefusedBy } from '../pipeline/pipeline.ts';
import { authOffered } from './auth-command.ts';
import type { ClientConnection } from './connection.ts';
import { replies } from './replies.ts';
import { endTransaction } from './transaction-end.ts';

type Now<T> = T | Promise<T>;
type Answer = { refused?: RefusedBy };

/** Any name is taken (clients at home have no good one), so long as it is one word. */
const heloName = /^\S{1,255}$/u;

/** EHLO and HELO (RFC 5321 §4.1.1.1); both end an open transaction. */
export function hello(connection: ClientConnection, verb: 'EHLO' | 'HELO', name: string): Now<void> {
  if (!heloName.test(name)) return connection.reply(replies.syntax.helloName);
  endTransaction(connection, 'reset');
  connection.state.hello = null;
  const pipeline = connection.pipeline();
  const answer = pipeline.gate('helo', { session: connection.state, verb, name }, connection.call());
  const greet = (gate: Answer): Now<void> => {
    if (connection.gone) return;
    if (gate.refused !== undefined) return connection.refuse(gate.refused);
    if (verb === 'EHLO') return extended(connection, name);
    connection.state.hello = { verb, name };
    connection.reply(reply(250, null, connection.shared.hostname));
  };
  return answer instanceof Promise ? answer.then(greet) : greet(answer);
}

/** The EHLO reply: what this server can do, as plugins left it. */
function extended(connection: ClientConnection, name: string): Now<void> {
  const capabilities = ownCapabilities(connection);
  const answer = connection
    .pipeline()
    .gate('capabilities', { session: connection.state, capabilities }, connection.call());
  const list = (gate: Answer): Now<void> => {
    if (connection.gone) return;
    if (gate.refused !== undefined) return connection.refuse(gate.refused);
    connection.state.hello = { verb: 'EHLO', name };
    connection.reply(reply(250, null, [connection.shared.hostname, ...capabilities]));
  };
  return answer instanceof Promise ? answer.then(list) : list(answer);
}

function ownCapabilities(connection: ClientConnection): string[] {
  const { policy, shared, secure } = connection;
  const capabilities = [
    'PIPELINING',
    `SIZE ${shared.config.smtp.limits.size}`,
    '8BITMIME',
    'SMTPUTF8',
    'ENHANCEDSTATUSCODES',
    'DSN',
  ];
  if (!secure && policy.config.tls === 'starttls' && policy.config.starttls === 'core') capabilities.push('STARTTLS');
  if (authOffered(connection)) capabilities.push('AUTH PLAIN LOGIN');
  return capabilities;
}
