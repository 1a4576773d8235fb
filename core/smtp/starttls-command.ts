import type { ClientConnection } from './connection.ts';
import { handOver, unknown } from './plain-commands.ts';
import { replies } from './replies.ts';
import { endTransaction } from './transaction-end.ts';

type Now<T> = T | Promise<T>;

/** STARTTLS (RFC 3207). All that the client said before it is forgotten. */
export function startTls(connection: ClientConnection, argument: string): Now<void> {
  const { config } = connection.policy;
  if (config.starttls === 'plugin') {
    return handOver(connection, 'STARTTLS', argument, (answered) => {
      if (answered === undefined) connection.reply(replies.syntax.unknownCommand);
      else if (answered !== null) connection.reply(answered, 'plugin');
    });
  }
  if (connection.secure) return connection.reply(replies.sequence.tlsTwice);
  if (config.tls !== 'starttls') return unknown(connection, 'STARTTLS', argument);
  if (argument !== '') return connection.reply(replies.syntax.noArgument);
  endTransaction(connection, 'reset');
  connection.reply(replies.accepted.startTls);
  connection.startTls();
}
