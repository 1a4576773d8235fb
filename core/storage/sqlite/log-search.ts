import type { DatabaseSync } from 'node:sqlite';
import { type FinalState, openStates } from '../../domain/message.ts';
import type { Page } from '../ports/accounts.ts';
import type { LogEntry, LogStatus, MailLogFilter } from '../ports/mail-log.ts';
import { kindOf } from './entry-kind.ts';
import { type EntryRow, entryColumns, entryJoins, logEntry, type MailLogReader } from './mail-log-reader.ts';
import { idBytes, isMessageId } from './message-id.ts';
import { blockOf, domainOf, firstOfBlock, termHash } from './terms.ts';

interface Query {
  from: string;
  readonly conditions: string[];
  readonly values: (number | string | Uint8Array)[];
}

interface Cursor {
  readonly at: number;
  readonly seq: number;
}

/** Order of the log: newest first; what has the same time, in the order of the commits. */
const newestFirst = 'ORDER BY e.at DESC, e.seq DESC';

const failedStates: readonly string[] = ['bounced', 'expired', 'cancelled', 'discarded'] satisfies FinalState[];
const neverMail = ['refused', 'reset', 'aborted'] as const;

/** Up to this many open messages it is shorter to go through them than through the whole log. */
const shortQueue = 10_000;

/** Lists log entries by filter. The cursor is `<at>.<seq>` of the last one shown. */
export class LogSearch {
  readonly #database: DatabaseSync;
  readonly #reader: MailLogReader;

  constructor(database: DatabaseSync, reader: MailLogReader) {
    this.#database = database;
    this.#reader = reader;
  }

  list(filter: MailLogFilter, { after, limit }: { after?: string; limit: number }): Page<LogEntry> {
    const [at, seq] = (after ?? '').split('.').map(Number);
    const cursor = at === undefined || seq === undefined ? null : { at, seq };
    const term = searchedTerm(filter);
    const rows =
      term === null
        ? this.#page(this.#query(filter, cursor), limit + 1)
        : this.#searchBlocks(filter, term, cursor, limit + 1);
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    const next = rows.length > limit && last !== undefined ? `${last.at}.${last.seq}` : null;
    return { items: shown.map(logEntry), next };
  }

  /** First the places of the rows, then the rows: what is sorted stays narrow. */
  #page({ from, conditions, values }: Query, limit: number): EntryRow[] {
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
    const places = `SELECT e.seq FROM ${from} ${where} ${newestFirst} LIMIT ?`;
    const sql = `SELECT ${entryColumns} FROM (${places}) p CROSS JOIN entries e ON e.seq = p.seq ${entryJoins} ${newestFirst}`;
    return this.#database.prepare(sql).all(...values, limit) as unknown as EntryRow[];
  }

  /** Goes through the blocks of the search index, newest first, and one block further than it needs: clocks step. */
  #searchBlocks(filter: MailLogFilter, term: number, cursor: Cursor | null, limit: number): EntryRow[] {
    const newest = Number(this.#database.prepare('SELECT coalesce(max(seq), 0) AS seq FROM entries').get()?.seq);
    const oldest = Number(this.#database.prepare('SELECT coalesce(min(seq), 0) AS seq FROM entries').get()?.seq);
    const hits = this.#database.prepare('SELECT seq FROM terms WHERE block = ? AND hash = ?');
    const found: EntryRow[] = [];
    let enoughSince = 0;
    const start = cursor === null ? newest : Math.min(newest, firstOfBlock(blockOf(cursor.seq) + 2) - 1);
    for (let block = blockOf(start); block >= blockOf(oldest) && enoughSince < 2; block -= 1) {
      const seqs = hits.all(block, term).map((row) => Number(row.seq));
      if (seqs.length > 0) {
        const query = this.#query(filter, cursor);
        query.conditions.push(`e.seq IN (${seqs.join(', ')})`);
        found.push(...this.#page(query, seqs.length).filter((row) => matches(row, filter)));
      }
      if (found.length >= limit) enoughSince += 1;
    }
    return found.sort((a, b) => b.at - a.at || b.seq - a.seq).slice(0, limit);
  }

  #query(filter: MailLogFilter, cursor: Cursor | null): Query {
    const query: Query = { from: 'entries e', conditions: [], values: [] };
    const add = (condition: string, ...values: Query['values']): void => {
      query.conditions.push(condition);
      query.values.push(...values);
    };
    if (filter.status !== undefined) this.#addStatus(query, filter.status);
    if (cursor !== null) add('(e.at, e.seq) < (?, ?)', cursor.at, cursor.seq);
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

const isOpenStatus = (status: LogStatus): boolean => (openStates as readonly string[]).includes(status);

function searchedTerm({ address, domain, messageId }: MailLogFilter): number | null {
  if (messageId !== undefined && !isMessageId(messageId)) return termHash.messageId(messageId);
  if (address !== undefined) return termHash.address(address);
  if (domain !== undefined) return termHash.domain(domain);
  return null;
}

/** Compares with what was searched for: hashes collide, and an index entry may stand for one condition of several. */
function matches(row: EntryRow, { address, domain, messageId }: MailLogFilter): boolean {
  const { kind, record } = logEntry(row);
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
