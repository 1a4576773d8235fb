import { auth } from './auth-command.ts';
import type { ClientConnection } from './connection.ts';
import { data } from './data-command.ts';
import { hello } from './hello-command.ts';
import { mail } from './mail-command.ts';
import { noop, quit, reset, unknown, verify } from './plain-commands.ts';
import { rcpt } from './rcpt-command.ts';
import { replies } from './replies.ts';
import { startTls } from './starttls-command.ts';

type Now<T> = T | Promise<T>;
/** Answers one command; `argument` is what stands behind the verb, blanks around it removed. */
export type CommandHandler = (connection: ClientConnection, argument: string) => Now<void>;

/** A page in somebody's browser may be made to send its form here; it shall not come far. */
const httpRequest = /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|TRACE|CONNECT|PATCH) \S+ HTTP\/\d/i;

const handlers: ReadonlyMap<string, CommandHandler> = new Map<string, CommandHandler>([
  ['AUTH', auth],
  // Not offered (RFC 3030). What follows would be read as commands, so the connection ends.
  ['BDAT', (connection) => connection.farewell(replies.syntax.chunking)],
  ['DATA', data],
  ['EHLO', (connection, argument) => hello(connection, 'EHLO', argument)],
  ['HELO', (connection, argument) => hello(connection, 'HELO', argument)],
  ['MAIL', mail],
  ['NOOP', noop],
  ['QUIT', quit],
  ['RCPT', rcpt],
  ['RSET', reset],
  ['STARTTLS', startTls],
  ['VRFY', verify],
]);

/** Finds the command's handler; verbs are read without regard to case (RFC 5321 §2.4). */
export function dispatch(connection: ClientConnection, line: string): Now<void> {
  const blank = line.indexOf(' ');
  const verb = (blank === -1 ? line : line.slice(0, blank)).toUpperCase();
  const argument = blank === -1 ? '' : line.slice(blank + 1).trim();
  const { turnedAway } = connection;
  if (turnedAway !== null && verb !== 'QUIT') return connection.refuse(turnedAway);
  const handler = handlers.get(verb);
  if (handler !== undefined) return handler(connection, argument);
  if (httpRequest.test(line)) return connection.farewell(replies.closing.http);
  return unknown(connection, verb, argument);
}
