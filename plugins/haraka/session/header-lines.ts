import type { Libraries } from '../libraries.ts';
import type { Connection } from './haraka-connection.ts';

type Utilities = Libraries['utilities'];

const resultsOf = (notes: Record<string, unknown>): string[] => {
  const kept = notes.authentication_results;
  if (Array.isArray(kept)) return kept;
  const made: string[] = [];
  notes.authentication_results = made;
  return made;
};

/** RFC 8601: who checked, then one result a line. Values come from clients, so that line breaks in them are dropped. */
export function authenticationResults(connection: Connection, utilities: Utilities, message?: string): string {
  const { notes, transaction, local } = connection;
  const ofConnection = resultsOf(notes);
  const ofTransaction = transaction === null ? null : resultsOf(transaction.notes);
  if (message) (ofTransaction ?? ofConnection).push(utilities.sanitize(message));
  const lines = [utilities.sanitize(local.host ?? ''), ...ofConnection, ...(ofTransaction ?? [])];
  return lines.length === 1 ? '' : lines.join(';\r\n\t');
}

/** The field body of Received as Haraka writes it, with the protocol's name of RFC 3848. */
export function receivedLine(connection: Connection, utilities: Utilities): string {
  const { hello, tls, authheader, local, transaction } = connection;
  const protocol = `${hello.verb === 'EHLO' ? 'ESMTP' : 'SMTP'}${tls.enabled ? 'S' : ''}${authheader ? 'A' : ''}`;
  const lines = [
    `from ${hello.host} (${connection.get_remote('info')})`,
    `by ${local.host} (${local.info}) with ${protocol} id ${transaction?.uuid}`,
    `envelope-from ${transaction?.mail_from?.format()}`,
  ];
  const cipher = tls.cipher as { name?: string; standardName?: string; version?: string };
  if (cipher.version !== undefined) lines.push(`tls ${cipher.standardName ?? cipher.name}`);
  const last = lines.length - 1;
  const login = authheader ? ` ${authheader.replace(/\r?\n\t?$/, '')}` : '';
  lines[last] = `${lines[last]}${login};`;
  lines.push(utilities.date_to_str(new Date()));
  return lines.join('\r\n\t');
}
