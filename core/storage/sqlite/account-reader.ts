import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { SmtpCredential, User } from '../ports/accounts.ts';
import { credentialOf } from './account-rows.ts';

const userOf = (row: { row?: unknown } | undefined): User | null =>
  row === undefined ? null : (JSON.parse(String(row.row)) as User);

/** Reading side of the accounts; lists are in account-list.ts. */
export class AccountReader {
  readonly #user: StatementSync;
  readonly #userByEmail: StatementSync;
  readonly #userByUsername: StatementSync;
  readonly #setup: StatementSync;
  readonly #credential: StatementSync;
  readonly #credentialByUsername: StatementSync;
  readonly #known: StatementSync;

  constructor(database: DatabaseSync) {
    this.#user = database.prepare('SELECT row FROM users WHERE id = ?');
    this.#userByEmail = database.prepare('SELECT row FROM users WHERE email = ?');
    this.#userByUsername = database.prepare('SELECT row FROM users WHERE username = ?');
    this.#setup = database.prepare('SELECT 1 FROM setup');
    this.#credential = database.prepare('SELECT row, last_used_at FROM credentials WHERE id = ?');
    this.#credentialByUsername = database.prepare('SELECT row, last_used_at FROM credentials WHERE username = ?');
    this.#known = database.prepare('SELECT 1 FROM known_addresses WHERE credential_id = ? AND address = ? AND at >= ?');
  }

  user(id: string): User | null {
    return userOf(this.#user.get(id));
  }

  userByEmail(email: string): User | null {
    return userOf(this.#userByEmail.get(email.toLowerCase()));
  }

  userByUsername(username: string): User | null {
    return userOf(this.#userByUsername.get(username.toLowerCase()));
  }

  setupDone(): boolean {
    return this.#setup.get() !== undefined;
  }

  credential(id: string): SmtpCredential | null {
    const row = this.#credential.get(id);
    return row === undefined ? null : credentialOf(row);
  }

  credentialByUsername(username: string): SmtpCredential | null {
    const row = this.#credentialByUsername.get(username.toLowerCase());
    return row === undefined ? null : credentialOf(row);
  }

  knownAddress(credentialId: string, address: string, since: number): boolean {
    return this.#known.get(credentialId, address, since) !== undefined;
  }
}
