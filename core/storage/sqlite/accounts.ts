import type {
  Accounts,
  ChangeOptions,
  CredentialListOptions,
  Page,
  SmtpCredential,
  User,
  UserListOptions,
} from '../ports/accounts.ts';
import type { AuditEntry } from '../ports/audit-log.ts';
import type { Touch } from './account-rows.ts';
import type { GroupCommit } from './group-commit.ts';
import type { ReaderClient } from './reader-client.ts';

/** Logins that were not written yet; beyond this they go with the next commit at once. */
const mostTouches = 1_000;
const touchMilliseconds = 1_000;

/** Users and credentials: reads by the reader thread, writes in the group commit. */
export class SqliteAccounts implements Accounts {
  readonly #commits: GroupCommit;
  readonly #reader: ReaderClient;
  #touches = new Map<string, Touch>();
  #timer: NodeJS.Timeout | undefined;

  constructor(commits: GroupCommit, reader: ReaderClient) {
    this.#commits = commits;
    this.#reader = reader;
  }

  insertUser(user: User, audit?: AuditEntry): Promise<{ conflict: 'username' | 'email' } | null> {
    return this.#commits.call('insertUser', user, audit);
  }

  user(id: string): Promise<User | null> {
    return this.#reader.call('user', id);
  }

  userByEmail(email: string): Promise<User | null> {
    return this.#reader.call('userByEmail', email);
  }

  userByUsername(username: string): Promise<User | null> {
    return this.#reader.call('userByUsername', username);
  }

  updateUser(id: string, change: Partial<Omit<User, 'id' | 'createdAt'>>, options?: ChangeOptions): Promise<boolean> {
    return this.#commits.call('updateUser', id, change, options);
  }

  listUsers(options: UserListOptions): Promise<Page<User>> {
    return this.#reader.call('listUsers', options);
  }

  claimSetup(userId: string, at: number, audit?: AuditEntry): Promise<boolean> {
    return this.#commits.call('claimSetup', userId, at, audit);
  }

  setupDone(): Promise<boolean> {
    return this.#reader.call('setupDone');
  }

  insertCredential(credential: SmtpCredential, audit?: AuditEntry): Promise<{ conflict: 'username' } | null> {
    return this.#commits.call('insertCredential', credential, audit);
  }

  credential(id: string): Promise<SmtpCredential | null> {
    return this.#reader.call('credential', id);
  }

  credentialByUsername(username: string): Promise<SmtpCredential | null> {
    return this.#reader.call('credentialByUsername', username);
  }

  updateCredential(
    id: string,
    change: Partial<Omit<SmtpCredential, 'id' | 'ownerId' | 'createdAt'>>,
    options?: ChangeOptions,
  ): Promise<boolean> {
    return this.#commits.call('updateCredential', id, change, options);
  }

  listCredentials(options: CredentialListOptions): Promise<Page<SmtpCredential>> {
    return this.#reader.call('listCredentials', options);
  }

  touchCredential(id: string, at: number, address: string): void {
    this.#touches.set(`${id} ${address}`, { id, at, address });
    if (this.#touches.size >= mostTouches) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), touchMilliseconds).unref();
  }

  knownAddress(credentialId: string, address: string, since: number): Promise<boolean> {
    return this.#reader.call('knownAddress', credentialId, address, since);
  }

  /** Hands the remembered logins to the next commit. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#touches.size === 0) return;
    const touches = [...this.#touches.values()];
    this.#touches = new Map();
    this.#commits.tell({ kind: 'call', method: 'touchCredentials', parameters: [touches] });
  }
}
