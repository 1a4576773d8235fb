import type { Collection, Filter } from 'mongodb';
import type { Page } from '../../ports/accounts.ts';
import type { LogEntry, MailLogFilter } from '../../ports/mail-log.ts';
import { isMessageId } from '../../rules/message-id.ts';
import { beyond, cursorOf, logEntry, parseCursor, shown } from './log-entries.ts';
import type { RecordDocument } from './records.ts';
import { term } from './search-terms.ts';
import { placeOf } from './slot.ts';

/** All conditions of a filter; each that can be rare has an index that leads to it, newest first. */
function conditionsOf(filter: MailLogFilter): object[] {
  const { ownerId, credentialId, status, address, domain, messageId, from, until } = filter;
  const terms: string[] = [];
  const conditions: object[] = [
    { at: { ...(from === undefined ? { $gte: 0 } : { $gte: from }), ...(until === undefined ? {} : { $lt: until }) } },
  ];
  if (ownerId !== undefined) conditions.push({ owner: ownerId });
  if (credentialId !== undefined) conditions.push({ credential: credentialId });
  if (status !== undefined) conditions.push({ states: status });
  if (address !== undefined) terms.push(term.address(address));
  if (domain !== undefined) terms.push(term.domain(domain));
  if (messageId !== undefined) {
    if (isMessageId(messageId)) conditions.push(placeOf(messageId));
    else terms.push(term.messageId(messageId));
  }
  if (terms.length > 0) conditions.push({ terms: { $all: terms } });
  return conditions;
}

/** Lists log entries by filter, newest first; tombstones have no time and are not among them. */
export async function searchLog(
  records: Collection<RecordDocument>,
  filter: MailLogFilter,
  { after, limit }: { after?: string; limit: number },
): Promise<Page<LogEntry>> {
  const conditions = { $and: [...conditionsOf(filter), beyond('at', parseCursor(after), -1)] };
  const found = await records
    .find(conditions as Filter<RecordDocument>, { projection: shown })
    .sort({ at: -1, _id: -1 })
    .limit(limit + 1)
    .toArray();
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return {
    items: items.map(logEntry),
    next: found.length > limit && last !== undefined ? cursorOf(last.at, last._id) : null,
  };
}
