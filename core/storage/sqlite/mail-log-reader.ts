import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Attempt, MessageFacts, RecipientRecord, RefusalRecord } from '../../domain/message.ts';
import type { Page } from '../ports/accounts.ts';
import type { LogEntry, QueueState, StatisticsRow } from '../ports/mail-log.ts';
import { earliest } from '../rules/due-time.ts';
import { isMessageId } from '../rules/message-id.ts';
import { statisticsColumns } from '../rules/statistics-columns.ts';
import { refusedKind } from './entry-kind.ts';
import { idBytes } from './message-id.ts';
import { parseRequests } from './requested-action.ts';

/** Columns that make a log entry; `entries` is `e`, `queue` is `q`, `outcomes` is `o`. */
export const entryColumns = `e.seq, e.kind, e.at, facts.facts, q.lease, q.requested,
  coalesce(q.recipients, o.recipients) AS recipients, q.next_at`;
export const entryJoins = `JOIN facts ON facts.seq = e.seq
  LEFT JOIN queue q ON q.seq = e.seq LEFT JOIN outcomes o ON o.seq = e.seq`;

export interface EntryRow {
  readonly seq: number;
  readonly kind: number;
  readonly at: number;
  readonly facts: string;
  readonly lease: number | null;
  readonly requested: string | null;
  readonly recipients: string | null;
  readonly next_at: number | null;
}

export function logEntry(row: EntryRow): LogEntry {
  if (row.kind >= refusedKind) return { kind: 'refusal', record: JSON.parse(row.facts) as RefusalRecord };
  const recipients = JSON.parse(row.recipients ?? '[]') as RecipientRecord[];
  const facts = JSON.parse(row.facts) as MessageFacts;
  const requested = parseRequests(row.requested).at(-1) ?? null;
  const record = { ...facts, recipients, nextAt: earliest(recipients), requested };
  return { kind: 'message', record, leased: row.lease !== null };
}

/** Reads single entries, the queue and the statistics; lists with filters are in log-search.ts. */
export class MailLogReader {
  readonly #database: DatabaseSync;
  readonly #get: StatementSync;
  readonly #attempts: StatementSync;
  readonly #name: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#get = database.prepare(`SELECT ${entryColumns} FROM entries e ${entryJoins} WHERE e.id = ?`);
    this.#attempts = database.prepare(
      'SELECT attempt FROM attempts WHERE seq = (SELECT seq FROM entries WHERE id = ?) ORDER BY n',
    );
    this.#name = database.prepare('SELECT n FROM names WHERE name = ?');
  }

  get(id: string): LogEntry | null {
    if (!isMessageId(id)) return null;
    const row = this.#get.get(idBytes(id));
    return row === undefined ? null : logEntry(row as unknown as EntryRow);
  }

  attempts(id: string): Attempt[] {
    if (!isMessageId(id)) return [];
    return this.#attempts.all(idBytes(id)).map(({ attempt }) => JSON.parse(String(attempt)) as Attempt);
  }

  /** The number of an owner or credential; -1 where none ever had this name, so that nothing is found. */
  number(name: string): number {
    const row = this.#name.get(name);
    return row === undefined ? -1 : Number(row.n);
  }

  /** The cursor is `<next_at>.<seq>`; held messages come last. */
  queue(options: { ownerId?: string; after?: string; limit: number }): Page<LogEntry> {
    const { ownerId, after, limit } = options;
    const [at, seq] = (after ?? '-1.0').split('.').map(Number);
    const places = `SELECT seq, coalesce(next_at, ${Number.MAX_SAFE_INTEGER}) AS due FROM queue
      WHERE (due, seq) > (?, ?) ${ownerId === undefined ? '' : 'AND owner = ?'} ORDER BY due, seq LIMIT ?`;
    const rows = this.#database
      .prepare(
        `SELECT ${entryColumns}, p.due FROM (${places}) p CROSS JOIN entries e ON e.seq = p.seq ${entryJoins}
         ORDER BY p.due, p.seq`,
      )
      .all(at ?? -1, seq ?? 0, ...(ownerId === undefined ? [] : [this.number(ownerId)]), limit + 1);
    const found = rows.slice(0, limit) as unknown as (EntryRow & { due: number })[];
    const last = found.at(-1);
    const next = rows.length > limit && last !== undefined ? `${last.due}.${last.seq}` : null;
    return { items: found.map(logEntry), next };
  }

  /** From the running totals: the same effort for an empty queue and for a million messages. */
  queueState(): QueueState {
    const totals = this.#database
      .prepare(
        `SELECT messages, queued, deferred, held,
           (SELECT count(*) FROM queue WHERE lease IS NOT NULL) AS leased,
           (SELECT at FROM entries WHERE seq = (SELECT min(seq) FROM queue)) AS oldest
         FROM store`,
      )
      .get();
    return {
      messages: Number(totals?.messages),
      queued: Number(totals?.queued),
      deferred: Number(totals?.deferred),
      held: Number(totals?.held),
      leased: Number(totals?.leased),
      oldest: totals?.oldest == null ? null : Number(totals.oldest),
    };
  }

  statistics(filter: { ownerId?: string; credentialId?: string; from: number; until: number }): StatisticsRow[] {
    const conditions = ['hour >= ?', 'hour < ?'];
    const values: number[] = [filter.from, filter.until];
    if (filter.ownerId !== undefined) {
      conditions.push('owner = ?');
      values.push(this.number(filter.ownerId));
    }
    if (filter.credentialId !== undefined) {
      conditions.push('credential = ?');
      values.push(this.number(filter.credentialId));
    }
    const sums = statisticsColumns.map((column) => `sum(${column}) AS ${column}`).join(', ');
    return this.#database
      .prepare(`SELECT hour, ${sums} FROM statistics WHERE ${conditions.join(' AND ')} GROUP BY hour ORDER BY hour`)
      .all(...values)
      .map((row) => ({ ...(row as unknown as StatisticsRow) }));
  }

  acceptedBetween(owner: { ownerId?: string; credentialId?: string }, from: number, until: number): number {
    const conditions = ['at >= ?', 'at < ?', 'kind <> 2'];
    const values: number[] = [from, until];
    if (owner.ownerId !== undefined) {
      conditions.push('owner = ?');
      values.push(this.number(owner.ownerId));
    }
    if (owner.credentialId !== undefined) {
      conditions.push('credential > 0 AND credential = ?');
      values.push(this.number(owner.credentialId));
    }
    const row = this.#database
      .prepare(`SELECT coalesce(sum(recipients), 0) AS units FROM entries WHERE ${conditions.join(' AND ')}`)
      .get(...values);
    return Number(row?.units);
  }
}
