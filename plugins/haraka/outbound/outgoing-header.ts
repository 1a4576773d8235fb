import type { Libraries } from '../libraries.ts';
import type { HarakaTransaction } from '../session/haraka-transaction.ts';

/** Adds what Haraka adds to mail that leaves, before its hook: plugins that sign want to see it. */
export function completeHeader(mail: HarakaTransaction, libraries: Libraries, hostname: string): void {
  const { header } = mail;
  const present = header.get_all('Message-Id').length > 0;
  if (!present || header.get('Message-Id').trim() === '<>') {
    if (present) mail.remove_header('Message-Id');
    mail.add_header('Message-Id', `<${mail.uuid}@${hostname}>`);
  }
  if (header.get_all('Date').length === 0) mail.add_header('Date', libraries.utilities.date_to_str(new Date()));
}
