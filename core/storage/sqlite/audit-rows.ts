import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { Page } from '../ports/accounts.ts';
import type { AuditEntry, AuditFilter } from '../ports/audit-log.ts';

/** Writing side of the audit log: entries go into the transaction of the change they tell of. */
export class AuditRows {
  readonly #insert: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(
      'INSERT INTO audit_log (id, at, user_id, action, subject_kind, subject_id, entry) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
  }

  /** Does nothing where there is no entry: not every change comes from somebody who can be named. */
  append(entry: AuditEntry | undefined): void {
    if (entry === undefined) return;
    const { id, at, actor, action, subject } = entry;
    const userId = 'userId' in actor ? actor.userId : null;
    this.#insert.run(id, at, userId, action, subject.kind, subject.id, JSON.stringify(entry));
  }
}

/** A page of the audit log, newest first; the cursor is the last id. */
export function readAuditLog(
  database: DatabaseSync,
  filter: AuditFilter,
  { after, limit }: { after?: string; limit: number },
): Page<AuditEntry> {
  const conditions: [sql: string, value: SQLInputValue | undefined][] = [
    ['user_id = ?', filter.userId],
    ['action = ?', filter.action],
    ['subject_kind = ?', filter.subjectKind],
    ['subject_id = ?', filter.subjectId],
    ['at >= ?', filter.from],
    ['at < ?', filter.until],
    ['id < ?', after],
  ];
  const given = conditions.flatMap(([sql, value]) => (value === undefined ? [] : [{ sql, value }]));
  const where = given.length === 0 ? '' : `WHERE ${given.map(({ sql }) => sql).join(' AND ')}`;
  const found = database
    .prepare(`SELECT entry FROM audit_log ${where} ORDER BY id DESC LIMIT ?`)
    .all(...given.map(({ value }) => value), limit + 1)
    .map((row) => JSON.parse(String(row.entry)) as AuditEntry);
  const items = found.slice(0, limit);
  return { items, next: found.length > limit ? (items.at(-1)?.id ?? null) : null };
}
