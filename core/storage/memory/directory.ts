import type { Logger } from '../../observability/log.ts';
import type { Directory } from '../../pipeline/directory.ts';
import type { Accounts, Page, SmtpCredential, User } from '../ports/accounts.ts';
import type { Bus } from '../ports/bus.ts';
import { SerialLoader } from './serial-loader.ts';
import { whileChanging } from './while-changing.ts';

const pageSize = 500;

async function* allOf<T>(list: (options: { after?: string; limit: number }) => Promise<Page<T>>): AsyncGenerator<T> {
  let after: string | null = null;
  do {
    const page: Page<T> = await list(after === null ? { limit: pageSize } : { after, limit: pageSize });
    yield* page.items;
    after = page.next;
  } while (after !== null);
}

class Rows {
  readonly users = new Map<string, User>();
  readonly credentials = new Map<string, SmtpCredential>();
  readonly byUsername = new Map<string, SmtpCredential>();

  putCredential(credential: SmtpCredential): void {
    this.dropCredential(credential.id);
    this.credentials.set(credential.id, credential);
    this.byUsername.set(credential.username.toLowerCase(), credential);
  }

  dropCredential(id: string): void {
    const known = this.credentials.get(id);
    if (known === undefined) return;
    this.credentials.delete(id);
    this.byUsername.delete(known.username.toLowerCase());
  }
}

/** All users and credentials in memory: a change is read when the bus tells of it, everything again by polling. */
export class MemoryDirectory implements Directory {
  readonly refresh?: (username: string) => Promise<void>;
  readonly #accounts: Accounts;
  readonly #loader: SerialLoader;
  readonly #unsubscribe: () => void;
  #rows = new Rows();

  private constructor(options: { accounts: Accounts; bus: Bus; log: Logger; shared?: boolean }) {
    this.#accounts = options.accounts;
    if (options.shared === true) this.refresh = (username) => this.#loader.load(() => this.#readUsername(username));
    this.#loader = new SerialLoader(options.log, 'the list of users and credentials');
    this.#unsubscribe = options.bus.subscribe((event) => {
      if (event.kind === 'user') void this.#loader.load(() => this.#readUser(event.id));
      if (event.kind === 'credential') void this.#loader.load(() => this.#readCredential(event.id));
      if (event.kind === 'missed') void this.#loader.load(() => this.#readAll());
    });
  }

  /** Resolves when everything is loaded; rejects if the database cannot be read. */
  static async start(options: {
    accounts: Accounts;
    bus: Bus;
    log: Logger;
    /** True where other processes write, too. */
    shared?: boolean;
    /** Default 2 s: so late may a change of another process be seen if the bus lost it. */
    pollMilliseconds?: number;
  }): Promise<MemoryDirectory> {
    const directory = new MemoryDirectory(options);
    try {
      await directory.#readAll();
    } catch (error) {
      await directory.close();
      throw error;
    }
    const { accounts } = options;
    const read = () => directory.#readAll();
    const poll = accounts.revision === undefined ? read : whileChanging(accounts.revision, read);
    directory.#loader.poll(poll, options.pollMilliseconds ?? 2_000);
    return directory;
  }

  user(id: string): User | undefined {
    return this.#rows.users.get(id);
  }

  credential(id: string): SmtpCredential | undefined {
    return this.#rows.credentials.get(id);
  }

  credentialByUsername(username: string): SmtpCredential | undefined {
    return this.#rows.byUsername.get(username.toLowerCase());
  }

  usable(credentialId: string): boolean {
    const credential = this.#rows.credentials.get(credentialId);
    if (credential === undefined || !credential.enabled || credential.deletedAt !== null) return false;
    const owner = this.#rows.users.get(credential.ownerId);
    return owner?.enabled === true && owner.deletedAt === null;
  }

  /** Resolves when every change the bus has told of so far is in memory. */
  current(): Promise<void> {
    return this.#loader.idle();
  }

  close(): Promise<void> {
    this.#unsubscribe();
    return this.#loader.close();
  }

  async #readUser(id: string): Promise<void> {
    const user = await this.#accounts.user(id);
    if (user === null) this.#rows.users.delete(id);
    else this.#rows.users.set(id, user);
  }

  async #readCredential(id: string): Promise<void> {
    const credential = await this.#accounts.credential(id);
    if (credential === null) this.#rows.dropCredential(id);
    else this.#rows.putCredential(credential);
  }

  async #readUsername(username: string): Promise<void> {
    const credential = await this.#accounts.credentialByUsername(username);
    if (credential === null) return;
    await this.#readUser(credential.ownerId);
    this.#rows.putCredential(credential);
  }

  async #readAll(): Promise<void> {
    const rows = new Rows();
    for await (const user of allOf((options) => this.#accounts.listUsers(options))) rows.users.set(user.id, user);
    for await (const credential of allOf((options) => this.#accounts.listCredentials(options))) {
      rows.putCredential(credential);
    }
    this.#rows = rows;
  }
}
