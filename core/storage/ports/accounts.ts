import type { AuditEntry } from './audit-log.ts';

/** A stored secret that cannot be turned back. `argon2id` for what people choose, `hmac-sha256` for what machines make (≥ 128 bits). */
export type StoredSecret =
  | { readonly kind: 'argon2id'; readonly phc: string }
  | { readonly kind: 'hmac-sha256'; readonly salt: string; readonly hash: string };

/** A person or script that owns credentials. `null` limits: none set; 0: nothing allowed. Times are milliseconds since the epoch. */
export interface User {
  readonly id: string;
  readonly username: string;
  readonly email: string;
  readonly role: 'admin' | 'user';
  readonly password: StoredSecret;
  readonly dailyQuota: number | null;
  readonly hourlyQuota: number | null;
  /** Sender domains, lower-case A-labels; empty: any. */
  readonly domains: readonly string[];
  readonly enabled: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Soft deletion: the row stays and its names are never used again. */
  readonly deletedAt: number | null;
}

/** What an application logs in to SMTP with. */
export interface SmtpCredential {
  readonly id: string;
  readonly ownerId: string;
  readonly name: string;
  readonly username: string;
  readonly secret: StoredSecret;
  readonly dailyQuota: number | null;
  readonly hourlyQuota: number | null;
  readonly overLimit: 'defer' | 'reject';
  readonly domains: readonly string[];
  /** CIDR networks it may be used from; empty: any. */
  readonly networks: readonly string[];
  readonly enabled: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly deletedAt: number | null;
  readonly lastUsedAt: number | null;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Pass as `after` for the next page; null at the end. */
  readonly next: string | null;
}

/** What may go with a change. */
export interface ChangeOptions {
  /** Change only what was last changed then; rejects with `PRECONDITION_FAILED` otherwise. */
  readonly ifUpdatedAt?: number;
  /** Written in the same commit if, and only if, the change is. */
  readonly audit?: AuditEntry;
}

interface ListOptions {
  /** `next` of the page before, asked for with the same filter and order. */
  readonly after?: string;
  readonly limit: number;
  /** Leave out what was deleted. */
  readonly living?: boolean;
  readonly enabled?: boolean;
  readonly descending?: boolean;
}

/** All given ones must hold; sorted by age unless told otherwise. */
export interface UserListOptions extends ListOptions {
  readonly role?: User['role'];
  /** Part of username or email, compared without case. */
  readonly search?: string;
  readonly sort?: 'created_at' | 'username' | 'email';
}

export interface CredentialListOptions extends ListOptions {
  readonly ownerId?: string;
  /** Part of name or username, compared without case. */
  readonly search?: string;
  /** Last used before this, or never. */
  readonly unusedSince?: number;
  readonly sort?: 'created_at' | 'name' | 'username' | 'last_used_at';
}

/**
 * Users and SMTP credentials. Every change is one conditional write. Inserts answer `conflict` with the
 * field that is taken already (names of deleted rows stay taken); updates answer false when the row is gone. A change
 * that sets `updatedAt` always sets it later than it was, so that it tells one version from another.
 */
export interface Accounts {
  insertUser(user: User, audit?: AuditEntry): Promise<{ conflict: 'username' | 'email' } | null>;
  user(id: string): Promise<User | null>;
  userByEmail(email: string): Promise<User | null>;
  userByUsername(username: string): Promise<User | null>;
  updateUser(id: string, change: Partial<Omit<User, 'id' | 'createdAt'>>, options?: ChangeOptions): Promise<boolean>;
  listUsers(options: UserListOptions): Promise<Page<User>>;
  /** Gives the administrator's role to this user, and enables it, if the set-up was not done yet; false if it was (decisions: first administrator). */
  claimSetup(userId: string, at: number, audit?: AuditEntry): Promise<boolean>;
  setupDone(): Promise<boolean>;

  insertCredential(credential: SmtpCredential, audit?: AuditEntry): Promise<{ conflict: 'username' } | null>;
  credential(id: string): Promise<SmtpCredential | null>;
  credentialByUsername(username: string): Promise<SmtpCredential | null>;
  updateCredential(
    id: string,
    change: Partial<Omit<SmtpCredential, 'id' | 'ownerId' | 'createdAt'>>,
    options?: ChangeOptions,
  ): Promise<boolean>;
  listCredentials(options: CredentialListOptions): Promise<Page<SmtpCredential>>;
  /** Remembers logins that succeeded; batched, may lag by seconds. */
  touchCredential(id: string, at: number, address: string): void;
  /** True if this address logged in with the credential within the last 30 days. */
  knownAddress(credentialId: string, address: string, since: number): Promise<boolean>;

  /**
   * Another text from before each change of users or credentials on (their uses excepted): who finds the same for a while
   * needs not read everything again. Absent where one process alone writes.
   */
  readonly revision?: () => Promise<string>;
}
