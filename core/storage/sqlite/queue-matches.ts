import type { DatabaseSync } from 'node:sqlite';
import { isFinal, type RecipientRecord } from '../../domain/message.ts';
import { fits } from '../../domain/recipient-filter.ts';
import type { Page } from '../ports/accounts.ts';
import type { QueueFilter } from '../ports/mail-log.ts';
import type { MailLogReader } from './mail-log-reader.ts';
import { idText } from './message-id.ts';

/** Goes through a piece of the queue in the order of acceptance; the cursor is the last entry looked at. */
export function queueMatches(
  database: DatabaseSync,
  reader: MailLogReader,
  filter: QueueFilter,
  { after, limit }: { after?: string; limit: number },
): Page<string> {
  const conditions = ['q.seq > ?'];
  const values: number[] = [Number(after ?? 0) || 0];
  const add = (condition: string, value: number | undefined): void => {
    if (value === undefined) return;
    conditions.push(condition);
    values.push(value);
  };
  add('q.owner = ?', filter.ownerId === undefined ? undefined : reader.number(filter.ownerId));
  add('q.credential = ?', filter.credentialId === undefined ? undefined : reader.number(filter.credentialId));
  add('e.at >= ?', filter.from);
  add('e.at < ?', filter.until);
  const rows = database
    .prepare(
      `SELECT q.seq, e.id, q.recipients FROM queue q CROSS JOIN entries e ON e.seq = q.seq
       WHERE ${conditions.join(' AND ')} ORDER BY q.seq LIMIT ?`,
    )
    .all(...values, limit);
  const items = rows
    .filter((row) => hasRecipient(String(row.recipients), filter))
    .map((row) => idText(row.id as Uint8Array));
  return { items, next: rows.length < limit ? null : String(rows.at(-1)?.seq) };
}

const hasRecipient = (recipients: string, filter: QueueFilter): boolean =>
  (JSON.parse(recipients) as RecipientRecord[]).some(
    (recipient) => !isFinal(recipient.state) && fits(recipient, filter),
  );
