import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { SluiceError } from '../../domain/errors.ts';
import type { ChangeOptions } from '../ports/accounts.ts';
import type { AuditEntry } from '../ports/audit-log.ts';
import type { Blacklist, BlacklistEntry } from '../ports/blacklist.ts';
import type { AuditRows } from './audit-rows.ts';
import { blacklistEntry, placeOf } from './blacklist-reader.ts';

/** Writing side of the blacklist. */
export class BlacklistRows {
  readonly #byId: StatementSync;
  readonly #byPlace: StatementSync;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;
  readonly #audit: AuditRows;

  constructor(database: DatabaseSync, audit: AuditRows) {
    this.#audit = audit;
    this.#byId = database.prepare('SELECT * FROM blacklist WHERE id = ?');
    this.#byPlace = database.prepare('SELECT * FROM blacklist WHERE place = ?');
    this.#put = database.prepare(
      `INSERT OR REPLACE INTO blacklist (place, id, network, reason, source, created_at, updated_at, expires_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#remove = database.prepare('DELETE FROM blacklist WHERE id = ?');
  }

  put({ id, network, reason, source, createdAt, updatedAt, expiresAt }: BlacklistEntry): void {
    this.#put.run(placeOf(network), id, network, reason, source, createdAt, updatedAt, expiresAt);
  }

  putAll(entries: readonly BlacklistEntry[], audit?: AuditEntry): void {
    for (const entry of entries) this.put(entry);
    this.#audit.append(audit);
  }

  insert(entry: BlacklistEntry, audit?: AuditEntry): BlacklistEntry | null {
    const standing = this.#find(this.#byPlace, placeOf(entry.network));
    if (standing !== null && (standing.expiresAt === null || standing.expiresAt > entry.createdAt)) return standing;
    this.putAll([entry], audit);
    return null;
  }

  update(...[id, change, options]: Parameters<Blacklist['update']>): Awaited<ReturnType<Blacklist['update']>> {
    const before = this.#expected(id, options);
    if (before === null) return 'not-found';
    const after = { ...before, ...change, updatedAt: Math.max(change.updatedAt, before.updatedAt + 1) };
    const other = this.#find(this.#byPlace, placeOf(after.network));
    if (other !== null && other.id !== id) return 'taken';
    this.#remove.run(id);
    this.putAll([after], options?.audit);
    return 'changed';
  }

  remove(id: string, options?: ChangeOptions): boolean {
    if (this.#expected(id, options) === null) return false;
    this.#remove.run(id);
    this.#audit.append(options?.audit);
    return true;
  }

  #find(statement: StatementSync, key: string): BlacklistEntry | null {
    const row = statement.get(key);
    return row === undefined ? null : blacklistEntry(row);
  }

  /** Throws `PRECONDITION_FAILED` where it is not the version expected. */
  #expected(id: string, options: ChangeOptions | undefined): BlacklistEntry | null {
    const entry = this.#find(this.#byId, id);
    if (entry !== null && options?.ifUpdatedAt !== undefined && options.ifUpdatedAt !== entry.updatedAt) {
      throw new SluiceError('PRECONDITION_FAILED', 'somebody changed it meanwhile; read it again, then decide anew');
    }
    return entry;
  }
}
