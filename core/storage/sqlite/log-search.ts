import type { DatabaseSync } from 'node:sqlite';
import { type FinalState, openStates } from '../../domain/message.ts';
import type { Page } from '../ports/accounts.ts';
import type { LogEntry, LogStatus, MailLogFilter, MailLogListOptions } from '../ports/mail-log.ts';
import { isMessageId } from '../rules/message-id.ts';
import { kindOf } from './entry-kind.ts';
import { type EntryRow, entryColumns, entryJoins, logEntry, type MailLogReader } from './mail-log-reader.ts';
import { idBytes } from './message-id.ts';
import { blockOf, domainOf, termHash } from './terms.ts';

interface Query {
  from: string;
  readonly conditions: string[];
  readonly values: (number | string | Uint8Array)[];
}

interface Cursor {
  readonly at: number;
  readonly seq: number;
}

/** By time; what has the same time, in the order of the commits. `step` leads from one block of the index to the next. */
interface Order {
  readonly sql: string;
  readonly beyond: '<' | '>';
  readonly step: -1 | 1;
}
const newestFirst: Order = { sql: 'ORDER BY e.at DESC, e.seq DESC', beyond: '<', step: -1 };
const oldestFirst: Order = { sql: 'ORDER BY e.at, e.seq', beyond: '>', step: 1 };

const failedStates: readonly string[] = ['bounced', 'expired', 'cancelled', 'discarded'] satisfies FinalState[];
const neverMail = ['refused', 'reset', 'aborted'] as const;

/** Up to this many open messages it is shorter to go through them than through the whole log. */
const shortQueue = 10_000;

/** So many entries are looked at for a page that no index leads to: the reader has others to serve. */
const mostLookedAt = 5_000;
const scanStep = 500;

/** Lists log entries by filter. The cursor is `<at>.<seq>` of the last one shown. */
export class LogSearch {
  readonly #database: DatabaseSync;
  readonly #reader: MailLogReader;

  constructor(database: DatabaseSync, reader: MailLogReader) {
    this.#database = database;
    this.#reader = reader;
  }

  list(filter: MailLogFilter, options: MailLogListOptions): Page<LogEntry> {
    const { after, limit } = options;
    const order = options.oldestFirst === true ? oldestFirst : newestFirst;
    const [at, seq] = (after ?? '').split('.').map(Number);
    const cursor = at === undefined || seq === undefined ? null : { at, seq };
    const term = searchedTerm(filter);
    if (term === null && filter.upstream !== undefined) return this.#scan(filter, cursor, limit, order);
    const rows =
      term === null
        ? this.#page(this.#query(filter, cursor, order), limit + 1, order)
        : this.#searchBlocks(filter, term, cursor, limit + 1, order);
    return pageOf(rows, limit, null);
  }

  /** First the places of the rows, then the rows: what is sorted stays narrow. */
  #page({ from, conditions, values }: Query, limit: number, order: Order): EntryRow[] {
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
    const places = `SELECT e.seq FROM ${from} ${where} ${order.sql} LIMIT ?`;
    const sql = `SELECT ${entryColumns} FROM (${places}) p CROSS JOIN entries e ON e.seq = p.seq ${entryJoins} ${order.sql}`;
    return this.#database.prepare(sql).all(...values, limit) as unknown as EntryRow[];
  }

  /** Goes through what the other conditions mean, and goes on where it stopped at the next page. */
  #scan(filter: MailLogFilter, cursor: Cursor | null, limit: number, order: Order): Page<LogEntry> {
    const found: EntryRow[] = [];
    let last = cursor;
    for (let looked = 0; looked < mostLookedAt && found.length <= limit; looked += scanStep) {
      const rows = this.#page(this.#query(filter, last, order), scanStep, order);
      found.push(...rows.filter((row) => matches(row, filter)));
      if (rows.length < scanStep) return pageOf(found, limit, null);
      last = rows.at(-1) ?? last;
    }
    return pageOf(found, limit, last);
  }

  /** Goes through the blocks of the search index, and one block further than it needs: clocks step. */
  #searchBlocks(filter: MailLogFilter, term: number, cursor: Cursor | null, limit: number, order: Order): EntryRow[] {
    const { step } = order;
    const ends = this.#database.prepare('SELECT min(seq) AS oldest, max(seq) AS newest FROM entries').get();
    const [oldest, newest] = [blockOf(Number(ends?.oldest)), blockOf(Number(ends?.newest))];
    const [first, last] = step === 1 ? [oldest, newest] : [newest, oldest];
    const start = cursor === null ? first : Math.min(newest, Math.max(oldest, blockOf(cursor.seq) - step));
    const hits = this.#database.prepare('SELECT seq FROM terms WHERE block = ? AND hash = ?');
    const found: EntryRow[] = [];
    let enoughSince = 0;
    for (let block = start; step * (last - block) >= 0 && enoughSince < 2; block += step) {
      const seqs = hits.all(block, term).map((row) => Number(row.seq));
      if (seqs.length > 0) {
        const query = this.#query(filter, cursor, order);
        query.conditions.push(`e.seq IN (${seqs.join(', ')})`);
        found.push(...this.#page(query, seqs.length, order).filter((row) => matches(row, filter)));
      }
      if (found.length >= limit) enoughSince += 1;
    }
    return found.sort((a, b) => step * (a.at - b.at || a.seq - b.seq)).slice(0, limit);
  }

  #query(filter: MailLogFilter, cursor: Cursor | null, { beyond }: Order): Query {
    const query: Query = { from: 'entries e', conditions: [], values: [] };
    const add = (condition: string, ...values: Query['values']): void => {
      query.conditions.push(condition);
      query.values.push(...values);
    };
    if (filter.status !== undefined) this.#addStatus(query, filter.status);
    if (cursor !== null) add(`(e.at, e.seq) ${beyond} (?, ?)`, cursor.at, cursor.seq);
    if (filter.ownerId !== undefined) add('e.owner = ?', this.#reader.number(filter.ownerId));
    if (filter.credentialId !== undefined) {
      add('e.credential > 0 AND e.credential = ?', this.#reader.number(filter.credentialId));
    }
    if (filter.from !== undefined) add('e.at >= ?', filter.from);
    if (filter.until !== undefined) add('e.at < ?', filter.until);
    if (filter.messageId !== undefined && isMessageId(filter.messageId)) add('e.id = ?', idBytes(filter.messageId));
    return query;
  }

  /** Rare states have short ways: the queue holds open messages only, failures have an index of their own. */
  #addStatus(query: Query, status: LogStatus): void {
    const never = neverMail.find((outcome) => outcome === status);
    if (never !== undefined) {
      query.conditions.push('e.kind >= 3 AND e.kind = ?');
      query.values.push(kindOf[never]);
      return;
    }
    const pattern = `%${status}:%`;
    const inQueue = 'SELECT seq FROM queue WHERE tally LIKE ?';
    if (failedStates.includes(status)) {
      const inOutcomes = 'SELECT seq FROM outcomes WHERE failed = 1 AND tally LIKE ?';
      query.from = `(${inOutcomes} UNION ALL ${inQueue}) s CROSS JOIN entries e ON e.seq = s.seq`;
      query.values.push(pattern, pattern);
    } else if (this.#reader.queueState().messages <= shortQueue && isOpenStatus(status)) {
      query.from = `(${inQueue}) s CROSS JOIN entries e ON e.seq = s.seq`;
      query.values.push(pattern);
    } else {
      query.from = 'entries e LEFT JOIN queue q ON q.seq = e.seq LEFT JOIN outcomes o ON o.seq = e.seq';
      query.conditions.push('coalesce(q.tally, o.tally) LIKE ?');
      query.values.push(pattern);
    }
  }
}

/** `looked`: where the search stopped before it was at the end. */
function pageOf(rows: readonly EntryRow[], limit: number, looked: Cursor | null): Page<LogEntry> {
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : looked;
  return { items: shown.map(logEntry), next: last == null ? null : `${last.at}.${last.seq}` };
}

const isOpenStatus = (status: LogStatus): boolean => (openStates as readonly string[]).includes(status);

function searchedTerm({ address, domain, messageId }: MailLogFilter): number | null {
  if (messageId !== undefined && !isMessageId(messageId)) return termHash.messageId(messageId);
  if (address !== undefined) return termHash.address(address);
  if (domain !== undefined) return termHash.domain(domain);
  return null;
}

/** Compares with what was searched for: hashes collide, and an index entry may stand for one condition of several. */
function matches(row: EntryRow, { address, domain, messageId, upstream }: MailLogFilter): boolean {
  const { kind, record } = logEntry(row);
  if (upstream !== undefined && !(kind === 'message' && record.recipients.some((one) => one.upstream === upstream))) {
    return false;
  }
  const recipients = kind === 'message' ? record.recipients.map((recipient) => recipient.address) : record.recipients;
  const domains = kind === 'message' ? record.recipients.map((one) => one.domain) : record.recipients.map(domainOf);
  if (messageId !== undefined && !isMessageId(messageId) && !(kind === 'message' && record.messageId === messageId)) {
    return false;
  }
  if (address !== undefined) {
    const wanted = address.toLowerCase();
    if (![record.sender, ...recipients].some((one) => one.toLowerCase() === wanted)) return false;
  }
  return domain === undefined || domains.some((one) => one.toLowerCase() === domain.toLowerCase());
}
