import type { Clock } from '../domain/clock.ts';
import { SluiceError } from '../domain/errors.ts';
import type { Accounts, SmtpCredential, User } from '../storage/ports/accounts.ts';
import type { AuditOrigin } from '../storage/ports/audit-log.ts';
import type { Bus } from '../storage/ports/bus.ts';
import { credentialEntry, userEntry } from './audit-entries.ts';

/** Who asks for a change, and of which version it is meant; a change of whatever is there, by the system, otherwise. */
export interface ChangeRequest {
  readonly by?: AuditOrigin;
  /** `updatedAt` of that version; `PRECONDITION_FAILED` if there is a later one. */
  readonly ifUpdatedAt?: number;
}

export interface AccountChangesOptions {
  readonly accounts: Accounts;
  readonly bus: Bus;
  readonly clock: Clock;
  /** Awaited after every change: resolves when this process's own directory knows of it. */
  readonly directoryCurrent?: () => Promise<void>;
}

/** Changes of the same row that may come in between before one gives up. */
const mostTries = 10;

/** Writes users and SMTP credentials, each write with its audit entry, and tells of it on the bus. */
export class AccountChanges {
  readonly #options: AccountChangesOptions;
  readonly #accounts: Accounts;

  constructor(options: AccountChangesOptions) {
    this.#options = options;
    this.#accounts = options.accounts;
  }

  /** Tells nobody yet. Throws `CONFLICT` where the name or the email is taken. */
  async insertUser(user: User, by: AuditOrigin | undefined): Promise<void> {
    const refused = await this.#accounts.insertUser(user, userEntry(this.entry('user.create', by), null, user));
    if (refused !== null) throw taken(refused.conflict);
  }

  /** False where the username is taken. */
  async insertCredential(credential: SmtpCredential, by: AuditOrigin | undefined): Promise<boolean> {
    const entry = credentialEntry(this.entry('smtp-credential.create', by), null, credential);
    if ((await this.#accounts.insertCredential(credential, entry)) !== null) return false;
    await this.tell('credential', credential.id);
    return true;
  }

  async updateUser(
    id: string,
    change: Partial<Omit<User, 'id' | 'createdAt' | 'updatedAt'>>,
    action: string,
    request: ChangeRequest,
  ): Promise<User> {
    await this.#conditionally(request, async () => {
      const before = await this.existingUser(id);
      const after = { ...before, ...change, updatedAt: this.#options.clock.now() };
      const audit = userEntry(this.entry(action, request.by), before, after);
      const ifUpdatedAt = request.ifUpdatedAt ?? before.updatedAt;
      await this.#accounts.updateUser(id, { ...change, updatedAt: after.updatedAt }, { audit, ifUpdatedAt });
    });
    await this.tell('user', id);
    return found(await this.#accounts.user(id), 'user');
  }

  async updateCredential(
    id: string,
    change: Partial<Omit<SmtpCredential, 'id' | 'ownerId' | 'createdAt' | 'updatedAt'>>,
    action: string,
    request: ChangeRequest,
  ): Promise<SmtpCredential> {
    await this.#conditionally(request, async () => {
      const before = await this.#existingCredential(id);
      const after = { ...before, ...change, updatedAt: this.#options.clock.now() };
      const audit = credentialEntry(this.entry(action, request.by), before, after);
      const ifUpdatedAt = request.ifUpdatedAt ?? before.updatedAt;
      await this.#accounts.updateCredential(id, { ...change, updatedAt: after.updatedAt }, { audit, ifUpdatedAt });
    });
    await this.tell('credential', id);
    return found(await this.#accounts.credential(id), 'SMTP credential');
  }

  /** Throws `NOT_FOUND` for an unknown or deleted one. */
  async existingUser(id: string): Promise<User> {
    const user = await this.#accounts.user(id);
    return found(user?.deletedAt === null ? user : null, 'user');
  }

  entry(action: string, by: AuditOrigin | undefined) {
    return { action, by, at: this.#options.clock.now() };
  }

  async tell(kind: 'user' | 'credential', id: string): Promise<void> {
    this.#options.bus.publish({ kind, id });
    await this.#options.directoryCurrent?.();
  }

  async #existingCredential(id: string): Promise<SmtpCredential> {
    const credential = await this.#accounts.credential(id);
    return found(credential?.deletedAt === null ? credential : null, 'SMTP credential');
  }

  /**
   * Every write is of the version that was read, so that the audit entry says what really was there before. Whoever
   * asked for no version gets the newest one, however often it changes in between.
   */
  async #conditionally({ ifUpdatedAt }: ChangeRequest, write: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await write();
        return;
      } catch (error) {
        const stale = error instanceof SluiceError && error.code === 'PRECONDITION_FAILED';
        if (!stale || ifUpdatedAt !== undefined || attempt === mostTries) throw error;
      }
    }
  }
}

function found<T>(row: T | null, what: string): T {
  if (row === null) throw new SluiceError('NOT_FOUND', `There is no such ${what}`);
  return row;
}

export const taken = (field: string) => new SluiceError('CONFLICT', `This ${field} is taken; choose another`);
