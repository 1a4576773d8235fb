import type { Collection, Filter } from 'mongodb';
import type { Page } from '../../ports/accounts.ts';
import type { LogEntry, MailLogFilter, MailLogListOptions } from '../../ports/mail-log.ts';
import { isMessageId } from '../../rules/message-id.ts';
import { beyond, cursorOf, logEntry, parseCursor, shown } from './log-entries.ts';
import type { RecordDocument } from './records.ts';
import { term } from './search-terms.ts';
import { placeOf } from './slot.ts';

/** All conditions of a filter; each that can be rare has an index that leads to it, newest first. */
function conditionsOf(filter: MailLogFilter): object[] {
  const { ownerId, credentialId, status, address, domain, messageId, upstream, from, until } = filter;
  const terms: string[] = [];
  const conditions: object[] = [
    { at: { ...(from === undefined ? { $gte: 0 } : { $gte: from }), ...(until === undefined ? {} : { $lt: until }) } },
  ];
  if (ownerId !== undefined) conditions.push({ owner: ownerId });
  if (credentialId !== undefined) conditions.push({ credential: credentialId });
  if (status !== undefined) conditions.push({ states: status });
  if (upstream !== undefined) conditions.push({ 'recipients.upstream': upstream });
  if (address !== undefined) terms.push(term.address(address));
  if (domain !== undefined) terms.push(term.domain(domain));
  if (messageId !== undefined) {
    if (isMessageId(messageId)) conditions.push(placeOf(messageId));
    else terms.push(term.messageId(messageId));
  }
  if (terms.length > 0) conditions.push({ terms: { $all: terms } });
  return conditions;
}

/** Lists log entries by filter; tombstones have no time and are not among them. */
export async function searchLog(
  records: Collection<RecordDocument>,
  filter: MailLogFilter,
  { after, limit, oldestFirst = false }: MailLogListOptions,
): Promise<Page<LogEntry>> {
  const direction = oldestFirst ? 1 : -1;
  const conditions = { $and: [...conditionsOf(filter), beyond('at', parseCursor(after), direction)] };
  const found = await records
    .find(conditions as Filter<RecordDocument>, { projection: shown })
    .sort({ at: direction, _id: direction })
    .limit(limit + 1)
    .toArray();
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return {
    items: items.map(logEntry),
    next: found.length > limit && last !== undefined ? cursorOf(last.at, last._id) : null,
  };
}
