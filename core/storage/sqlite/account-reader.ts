import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { ApiSession, Page, SmtpCredential, User } from '../ports/accounts.ts';
import { credentialOf } from './account-rows.ts';

const userOf = (row: { row?: unknown } | undefined): User | null =>
  row === undefined ? null : (JSON.parse(String(row.row)) as User);

function pageOf<T extends { readonly id: string }>(found: readonly T[], limit: number): Page<T> {
  const items = found.slice(0, limit);
  return { items, next: found.length > limit ? (items.at(-1)?.id ?? null) : null };
}

/** Reading side of the accounts. Lists are in the order of their ids; the cursor is the last id. */
export class AccountReader {
  readonly #user: StatementSync;
  readonly #userByEmail: StatementSync;
  readonly #userByUsername: StatementSync;
  readonly #users: StatementSync;
  readonly #setup: StatementSync;
  readonly #credential: StatementSync;
  readonly #credentialByUsername: StatementSync;
  readonly #credentials: StatementSync;
  readonly #credentialsOf: StatementSync;
  readonly #known: StatementSync;
  readonly #session: StatementSync;

  constructor(database: DatabaseSync) {
    this.#user = database.prepare('SELECT row FROM users WHERE id = ?');
    this.#userByEmail = database.prepare('SELECT row FROM users WHERE email = ?');
    this.#userByUsername = database.prepare('SELECT row FROM users WHERE username = ?');
    this.#users = database.prepare('SELECT row FROM users WHERE id > ? ORDER BY id LIMIT ?');
    this.#setup = database.prepare('SELECT 1 FROM setup');
    this.#credential = database.prepare('SELECT row, last_used_at FROM credentials WHERE id = ?');
    this.#credentialByUsername = database.prepare('SELECT row, last_used_at FROM credentials WHERE username = ?');
    this.#credentials = database.prepare('SELECT row, last_used_at FROM credentials WHERE id > ? ORDER BY id LIMIT ?');
    this.#credentialsOf = database.prepare(
      'SELECT row, last_used_at FROM credentials WHERE owner_id = ? AND id > ? ORDER BY id LIMIT ?',
    );
    this.#known = database.prepare('SELECT 1 FROM known_addresses WHERE credential_id = ? AND address = ? AND at >= ?');
    this.#session = database.prepare('SELECT * FROM sessions WHERE id = ?');
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

  listUsers({ after = '', limit }: { after?: string; limit: number }): Page<User> {
    const found = this.#users.all(after, limit + 1).map((row) => JSON.parse(String(row.row)) as User);
    return pageOf(found, limit);
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

  listCredentials(options: { ownerId?: string; after?: string; limit: number }): Page<SmtpCredential> {
    const { ownerId, after = '', limit } = options;
    const rows =
      ownerId === undefined
        ? this.#credentials.all(after, limit + 1)
        : this.#credentialsOf.all(ownerId, after, limit + 1);
    return pageOf(rows.map(credentialOf), limit);
  }

  knownAddress(credentialId: string, address: string, since: number): boolean {
    return this.#known.get(credentialId, address, since) !== undefined;
  }

  session(id: string): ApiSession | null {
    const row = this.#session.get(id);
    if (row === undefined) return null;
    return {
      id: String(row.id),
      userId: String(row.user_id),
      createdAt: Number(row.created_at),
      expiresAt: Number(row.expires_at),
      revokedAt: row.revoked_at === null ? null : Number(row.revoked_at),
    };
  }
}
