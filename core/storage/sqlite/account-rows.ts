import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { SluiceError } from '../../domain/errors.ts';
import type { ChangeOptions, SmtpCredential, User } from '../ports/accounts.ts';
import type { AuditEntry } from '../ports/audit-log.ts';
import type { AuditRows } from './audit-rows.ts';
import { isConstraint } from './store-error.ts';

/** A login that succeeded: which credential, when, from where. */
export interface Touch {
  readonly id: string;
  readonly at: number;
  readonly address: string;
}

/** Writing side of the accounts. Names and email addresses are taken without regard to case, also by deleted rows. */
export class AccountRows {
  readonly #audit: AuditRows;
  readonly #insertUser: StatementSync;
  readonly #user: StatementSync;
  readonly #userByName: StatementSync;
  readonly #updateUser: StatementSync;
  readonly #setup: StatementSync;
  readonly #insertCredential: StatementSync;
  readonly #credential: StatementSync;
  readonly #updateCredential: StatementSync;
  readonly #touch: StatementSync;
  readonly #know: StatementSync;

  constructor(database: DatabaseSync, audit: AuditRows) {
    this.#audit = audit;
    this.#insertUser = database.prepare('INSERT INTO users (id, username, email, row) VALUES (?, ?, ?, ?)');
    this.#user = database.prepare('SELECT row FROM users WHERE id = ?');
    this.#userByName = database.prepare('SELECT 1 FROM users WHERE username = ?');
    this.#updateUser = database.prepare('UPDATE users SET username = ?, email = ?, row = ? WHERE id = ?');
    this.#setup = database.prepare('INSERT OR IGNORE INTO setup (one, administrator, at) VALUES (1, ?, ?)');
    this.#insertCredential = database.prepare(
      'INSERT INTO credentials (id, username, owner_id, last_used_at, row) VALUES (?, ?, ?, ?, ?)',
    );
    this.#credential = database.prepare('SELECT row, last_used_at FROM credentials WHERE id = ?');
    this.#updateCredential = database.prepare(
      'UPDATE credentials SET username = ?, last_used_at = ?, row = ? WHERE id = ?',
    );
    this.#touch = database.prepare(
      'UPDATE credentials SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE id = ?',
    );
    this.#know = database.prepare(
      `INSERT INTO known_addresses (credential_id, address, at) VALUES (?, ?, ?)
       ON CONFLICT (credential_id, address) DO UPDATE SET at = max(at, excluded.at)`,
    );
  }

  insertUser(user: User, audit?: AuditEntry): { conflict: 'username' | 'email' } | null {
    const username = user.username.toLowerCase();
    try {
      this.#insertUser.run(user.id, username, user.email.toLowerCase(), JSON.stringify(user));
      this.#audit.append(audit);
      return null;
    } catch (error) {
      if (!isConstraint(error)) throw error;
      return { conflict: this.#userByName.get(username) === undefined ? 'email' : 'username' };
    }
  }

  updateUser(id: string, change: Partial<User>, options?: ChangeOptions): boolean {
    const row = this.#user.get(id);
    if (row === undefined) return false;
    const user = changed(JSON.parse(String(row.row)) as User, change, options);
    this.#updateUser.run(user.username.toLowerCase(), user.email.toLowerCase(), JSON.stringify(user), id);
    this.#audit.append(options?.audit);
    return true;
  }

  claimSetup(userId: string, at: number, audit?: AuditEntry): boolean {
    if (this.#user.get(userId) === undefined) return false;
    if (this.#setup.run(userId, at).changes === 0) return false;
    return this.updateUser(
      userId,
      { role: 'admin', enabled: true, updatedAt: at },
      audit === undefined ? {} : { audit },
    );
  }

  insertCredential(credential: SmtpCredential, audit?: AuditEntry): { conflict: 'username' } | null {
    const { id, ownerId, lastUsedAt } = credential;
    try {
      const username = credential.username.toLowerCase();
      this.#insertCredential.run(id, username, ownerId, lastUsedAt, JSON.stringify(credential));
      this.#audit.append(audit);
      return null;
    } catch (error) {
      if (!isConstraint(error)) throw error;
      return { conflict: 'username' };
    }
  }

  updateCredential(id: string, change: Partial<SmtpCredential>, options?: ChangeOptions): boolean {
    const row = this.#credential.get(id);
    if (row === undefined) return false;
    const credential = changed(credentialOf(row), change, options);
    const username = credential.username.toLowerCase();
    this.#updateCredential.run(username, credential.lastUsedAt, JSON.stringify(credential), id);
    this.#audit.append(options?.audit);
    return true;
  }

  touchCredentials(touches: readonly Touch[]): void {
    for (const { id, at, address } of touches) {
      this.#touch.run(at, id);
      this.#know.run(id, address, at);
    }
  }
}

/** The row with its change, as a later version. Throws `PRECONDITION_FAILED` where it is not the version expected. */
function changed<T extends { readonly updatedAt: number }>(row: T, change: Partial<T>, options?: ChangeOptions): T {
  if (options?.ifUpdatedAt !== undefined && options.ifUpdatedAt !== row.updatedAt) {
    throw new SluiceError('PRECONDITION_FAILED', 'somebody changed it meanwhile; read it again, then decide anew');
  }
  const updatedAt = change.updatedAt === undefined ? row.updatedAt : Math.max(change.updatedAt, row.updatedAt + 1);
  return { ...row, ...change, updatedAt };
}

/** `last_used_at` has a column of its own, since logins change it all the time. */
export function credentialOf(row: { row?: unknown; last_used_at?: unknown }): SmtpCredential {
  const credential = JSON.parse(String(row.row)) as SmtpCredential;
  return { ...credential, lastUsedAt: row.last_used_at == null ? null : Number(row.last_used_at) };
}
