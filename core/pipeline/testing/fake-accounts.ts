import type { Accounts, Page, SmtpCredential, User } from '../../storage/ports/accounts.ts';
import type { Directory } from '../directory.ts';
import { fakeSecret } from './fake-secret-verifier.ts';

type Row = { readonly id: string };

function pageOf<T extends Row>(items: readonly T[], options: { after?: string; limit: number }): Page<T> {
  const start = items.findIndex((item) => item.id === options.after) + 1;
  const page = items.slice(start, start + options.limit);
  return { items: page, next: start + options.limit < items.length ? (page.at(-1)?.id ?? null) : null };
}

function change<T extends Row>(rows: Map<string, T>, id: string, fields: Partial<T>): boolean {
  const row = rows.get(id);
  if (row !== undefined) rows.set(id, { ...row, ...fields });
  return row !== undefined;
}

/** Users and credentials in memory; `directory` shows the same rows without waiting. */
export class FakeAccounts implements Accounts {
  readonly users = new Map<string, User>();
  readonly credentials = new Map<string, SmtpCredential>();
  /** What `touchCredential` was told, newest last. */
  readonly logins: { readonly id: string; readonly at: number; readonly address: string }[] = [];
  readonly directory: Directory = {
    user: (id) => this.users.get(id),
    credential: (id) => this.credentials.get(id),
    credentialByUsername: (name) => this.#find(this.credentials, (c) => c.username === name.toLowerCase()),
    usable: (id) => {
      const credential = this.credentials.get(id);
      const owner = credential === undefined ? undefined : this.users.get(credential.ownerId);
      return [credential, owner].every((row) => row?.enabled === true && row.deletedAt === null);
    },
  };
  #setup = false;

  /** Adds a user; what is not given is as in a new, enabled one without limits. */
  addUser(user: Partial<User> & Row): User {
    const whole: User = {
      username: user.id,
      email: `${user.id}@example.com`,
      role: 'user',
      password: fakeSecret('password'),
      dailyQuota: null,
      hourlyQuota: null,
      domains: [],
      enabled: true,
      createdAt: 0,
      updatedAt: 0,
      deletedAt: null,
      ...user,
    };
    this.users.set(whole.id, whole);
    return whole;
  }

  /** Adds a credential and, where there is none, its owner `user-1`. It logs in with its id and the password `password`. */
  addCredential(credential: Partial<SmtpCredential> & Row): SmtpCredential {
    const whole: SmtpCredential = {
      ownerId: 'user-1',
      name: credential.id,
      username: credential.id,
      secret: fakeSecret('password'),
      dailyQuota: null,
      hourlyQuota: null,
      overLimit: 'defer',
      domains: [],
      networks: [],
      enabled: true,
      createdAt: 0,
      updatedAt: 0,
      deletedAt: null,
      lastUsedAt: null,
      ...credential,
    };
    if (!this.users.has(whole.ownerId)) this.addUser({ id: whole.ownerId });
    this.credentials.set(whole.id, whole);
    return whole;
  }

  async insertUser(user: User): Promise<{ conflict: 'username' | 'email' } | null> {
    if ((await this.userByUsername(user.username)) !== null) return { conflict: 'username' };
    if ((await this.userByEmail(user.email)) !== null) return { conflict: 'email' };
    this.users.set(user.id, user);
    return null;
  }

  async user(id: string): Promise<User | null> {
    return this.users.get(id) ?? null;
  }

  async userByEmail(email: string): Promise<User | null> {
    return this.#find(this.users, (user) => user.email === email) ?? null;
  }

  async userByUsername(username: string): Promise<User | null> {
    return this.#find(this.users, (user) => user.username === username) ?? null;
  }

  async updateUser(id: string, fields: Partial<User>): Promise<boolean> {
    return change(this.users, id, fields);
  }

  async listUsers(options: { after?: string; limit: number }): Promise<Page<User>> {
    return pageOf([...this.users.values()], options);
  }

  async claimSetup(userId: string, at: number): Promise<boolean> {
    if (this.#setup) return false;
    this.#setup = change(this.users, userId, { role: 'admin', enabled: true, updatedAt: at });
    return this.#setup;
  }

  async setupDone(): Promise<boolean> {
    return this.#setup;
  }

  async insertCredential(credential: SmtpCredential): Promise<{ conflict: 'username' } | null> {
    if ((await this.credentialByUsername(credential.username)) !== null) return { conflict: 'username' };
    this.credentials.set(credential.id, credential);
    return null;
  }

  async credential(id: string): Promise<SmtpCredential | null> {
    return this.credentials.get(id) ?? null;
  }

  async credentialByUsername(username: string): Promise<SmtpCredential | null> {
    return this.#find(this.credentials, (credential) => credential.username === username) ?? null;
  }

  async updateCredential(id: string, fields: Partial<SmtpCredential>): Promise<boolean> {
    return change(this.credentials, id, fields);
  }

  async listCredentials(options: { ownerId?: string; after?: string; limit: number }): Promise<Page<SmtpCredential>> {
    const { ownerId } = options;
    const rows = [...this.credentials.values()];
    return pageOf(ownerId === undefined ? rows : rows.filter((row) => row.ownerId === ownerId), options);
  }

  touchCredential(id: string, at: number, address: string): void {
    this.logins.push({ id, at, address });
  }

  async knownAddress(credentialId: string, address: string, since: number): Promise<boolean> {
    return this.logins.some((login) => login.id === credentialId && login.address === address && login.at >= since);
  }

  #find<T>(rows: ReadonlyMap<string, T>, fits: (row: T) => boolean): T | undefined {
    for (const row of rows.values()) if (fits(row)) return row;
    return undefined;
  }
}
