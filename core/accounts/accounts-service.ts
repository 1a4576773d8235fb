import { uuidv7 } from 'uuidv7';
import type { z } from 'zod';
import type { Clock } from '../domain/clock.ts';
import { SluiceError } from '../domain/errors.ts';
import type { Accounts, SmtpCredential, User } from '../storage/ports/accounts.ts';
import type { ApiAccess } from '../storage/ports/api-access.ts';
import type { AuditOrigin } from '../storage/ports/audit-log.ts';
import type { Bus } from '../storage/ports/bus.ts';
import {
  type CredentialChange,
  credentialChangeSchema,
  emailSchema,
  type NewCredential,
  type NewUser,
  newCredentialSchema,
  newUserSchema,
  type Registration,
  registrationSchema,
  type UserChange,
  userChangeSchema,
} from './account-schemas.ts';
import { credentialEntry, userEntry } from './audit-entries.ts';
import { generatePassword, generateUsername } from './credential-generator.ts';
import type { Secrets } from './secrets.ts';

/** A credential with its password in clear: shown this once, known to nobody afterwards. */
export interface IssuedCredential {
  readonly credential: SmtpCredential;
  readonly password: string;
}

export interface AccountsServiceOptions {
  readonly accounts: Accounts;
  /** API logins, which end with the password, the account, or its being switched off. */
  readonly apiAccess: Pick<ApiAccess, 'revokeSessions'>;
  readonly secrets: Secrets;
  readonly bus: Bus;
  readonly clock: Clock;
  /** Quotas of credentials that name none: `quotas` of the configuration. */
  readonly quotas: { readonly daily_default: number | null; readonly hourly_default: number | null };
  /** Awaited after every change: resolves when this process's own directory knows of it. */
  readonly directoryCurrent?: () => Promise<void>;
}

/** Who asks for a change, and of which version it is meant; a change of whatever is there, by the system, otherwise. */
export interface ChangeRequest {
  readonly by?: AuditOrigin;
  /** `updatedAt` of that version; `PRECONDITION_FAILED` if there is a later one. */
  readonly ifUpdatedAt?: number;
}

type CredentialFields = Partial<Omit<SmtpCredential, 'id' | 'ownerId' | 'createdAt' | 'updatedAt'>>;

/** Changes of the same row that may come in between before one gives up. */
const mostTries = 10;

/** So long may a set-up be under way between its two writes. */
const pendingMilliseconds = 60_000;

/** Parses what came from outside; throws `REQUEST_INVALID` with every problem. */
function parse<S extends z.ZodType>(schema: S, input: z.input<S>): z.output<S> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message }));
  const message = problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
  throw new SluiceError('REQUEST_INVALID', message, { problems });
}

/** Leaves out what was not given, so that a change touches only what it names. */
function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/**
 * Users and SMTP credentials: every change is validated, stored with its audit entry and told on the bus. Who may do it
 * is the caller's question.
 */
export class AccountsService {
  readonly #options: AccountsServiceOptions;
  readonly #accounts: Accounts;
  readonly #secrets: Secrets;

  constructor(options: AccountsServiceOptions) {
    this.#options = options;
    this.#accounts = options.accounts;
    this.#secrets = options.secrets;
  }

  /** Throws `REQUEST_INVALID`, `CONFLICT` (name or email taken) or `LOGIN_BUSY`. */
  async createUser(input: NewUser, by?: AuditOrigin): Promise<User> {
    const { password, ...fields } = parse(newUserSchema, input);
    const user = this.#newUser(fields, await this.#secrets.hashPassword(password), true);
    await this.#insertUser(user, by);
    await this.#tell('user', user.id);
    return user;
  }

  /**
   * Makes the first administrator, once ever: of several at the same time one wins. The user is stored without rights
   * and gets them by `claimSetup`; one left behind by a crash in between is replaced. Throws `REGISTRATION_CLOSED`
   * when there is an administrator already.
   */
  async createFirstAdministrator(input: Registration, by?: AuditOrigin): Promise<User> {
    const { password, ...fields } = parse(registrationSchema, input);
    if (await this.#accounts.setupDone()) throw closed();
    await this.#clearPending(fields.email);
    await this.#clearPending(fields.username);
    const user = this.#newUser(fields, await this.#secrets.hashPassword(password), false);
    await this.#insertUser(user, by);
    const administrator: User = { ...user, role: 'admin', enabled: true };
    const claimed = userEntry(this.#entry('user.set-up', by), user, administrator);
    if (!(await this.#accounts.claimSetup(user.id, this.#options.clock.now(), claimed))) {
      await this.#withdraw(user.id);
      throw closed();
    }
    await this.#tell('user', user.id);
    return this.#existingUser(user.id);
  }

  /**
   * Ends the user's API logins where the password changes or the account is switched off; `keepSession` is spared.
   * Throws `NOT_FOUND` for an unknown or deleted user, `CONFLICT` for an email that is taken, `PRECONDITION_FAILED`.
   */
  async changeUser(
    id: string,
    input: UserChange,
    request: ChangeRequest & { keepSession?: string } = {},
  ): Promise<User> {
    const { password, daily_quota, hourly_quota, ...rest } = parse(userChangeSchema, input);
    if (rest.email !== undefined) {
      const other = await this.#accounts.userByEmail(rest.email);
      if (other !== null && other.id !== id) throw taken('email');
    }
    const change = {
      ...given(rest),
      ...given({ dailyQuota: daily_quota, hourlyQuota: hourly_quota }),
      ...(password === undefined ? {} : { password: await this.#secrets.hashPassword(password) }),
    };
    const action = password !== undefined && Object.keys(input).length === 1 ? 'user.change-password' : 'user.change';
    const user = await this.#updateUser(id, change, action, request);
    if (password !== undefined || !user.enabled) await this.#endSessions(id, request.keepSession);
    return user;
  }

  /** Soft: the row and its names stay. Its logins and credentials stop working, its mail goes on. */
  async deleteUser(id: string, request: ChangeRequest = {}): Promise<void> {
    const change = { enabled: false, deletedAt: this.#options.clock.now() };
    await this.#updateUser(id, change, 'user.delete', request);
    await this.#endSessions(id);
    for (const credential of await this.#credentialsOf(id)) {
      if (credential.deletedAt !== null || !credential.enabled) continue;
      const { by } = request;
      await this.#updateCredential(credential.id, { enabled: false }, 'smtp-credential.change', given({ by }));
    }
  }

  /**
   * The user of this email and password, or null; both failures do the same work. Throws `LOGIN_BUSY` while too many
   * passwords are being checked.
   */
  async authenticateUser(email: string, password: string): Promise<User | null> {
    const canonical = emailSchema.safeParse(email);
    const user = canonical.success ? await this.#accounts.userByEmail(canonical.data) : null;
    const alive = user?.enabled === true && user.deletedAt === null;
    const right = await this.#secrets.verify(user?.password ?? null, password, 'argon2id');
    return right && alive ? user : null;
  }

  /** Makes username and password by itself. Throws `NOT_FOUND` for an unknown or deleted owner. */
  async createCredential(ownerId: string, input: NewCredential, by?: AuditOrigin): Promise<IssuedCredential> {
    const fields = parse(newCredentialSchema, input);
    await this.#existingUser(ownerId);
    const password = generatePassword();
    const at = this.#options.clock.now();
    const { daily_default, hourly_default } = this.#options.quotas;
    const draft = {
      id: uuidv7(),
      ownerId,
      name: fields.name,
      secret: this.#secrets.hashMachineSecret(password),
      dailyQuota: fields.daily_quota === undefined ? daily_default : fields.daily_quota,
      hourlyQuota: fields.hourly_quota === undefined ? hourly_default : fields.hourly_quota,
      overLimit: fields.over_limit ?? 'defer',
      domains: fields.domains ?? [],
      networks: fields.networks ?? [],
      enabled: fields.enabled ?? true,
      createdAt: at,
      updatedAt: at,
      deletedAt: null,
      lastUsedAt: null,
    };
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const credential: SmtpCredential = { ...draft, username: generateUsername() };
      const entry = credentialEntry(this.#entry('smtp-credential.create', by), null, credential);
      if ((await this.#accounts.insertCredential(credential, entry)) !== null) continue;
      await this.#tell('credential', credential.id);
      return { credential, password };
    }
    throw new SluiceError('CONFLICT', 'No free username was found; try again');
  }

  /** Throws `NOT_FOUND` for an unknown or deleted credential, `PRECONDITION_FAILED`. */
  changeCredential(id: string, input: CredentialChange, request: ChangeRequest = {}): Promise<SmtpCredential> {
    const { daily_quota, hourly_quota, over_limit, ...rest } = parse(credentialChangeSchema, input);
    const limits = given({ dailyQuota: daily_quota, hourlyQuota: hourly_quota, overLimit: over_limit });
    return this.#updateCredential(id, { ...given(rest), ...limits }, 'smtp-credential.change', request);
  }

  /** Replaces the password; the old one stops working at once. */
  async resetPassword(id: string, by?: AuditOrigin): Promise<IssuedCredential> {
    const password = generatePassword();
    const change = { secret: this.#secrets.hashMachineSecret(password) };
    const credential = await this.#updateCredential(id, change, 'smtp-credential.reset-password', given({ by }));
    return { credential, password };
  }

  /** Soft: the row stays and its username is never used again; its mail goes on. */
  async deleteCredential(id: string, request: ChangeRequest = {}): Promise<void> {
    const change = { enabled: false, deletedAt: this.#options.clock.now() };
    await this.#updateCredential(id, change, 'smtp-credential.delete', request);
  }

  #newUser(
    fields: Omit<z.output<typeof newUserSchema>, 'password'>,
    password: User['password'],
    enabled: boolean,
  ): User {
    const at = this.#options.clock.now();
    return {
      id: uuidv7(),
      username: fields.username,
      email: fields.email,
      role: fields.role ?? 'user',
      password,
      dailyQuota: fields.daily_quota ?? null,
      hourlyQuota: fields.hourly_quota ?? null,
      domains: fields.domains ?? [],
      enabled,
      createdAt: at,
      updatedAt: at,
      deletedAt: null,
    };
  }

  async #insertUser(user: User, by: AuditOrigin | undefined): Promise<void> {
    const refused = await this.#accounts.insertUser(user, userEntry(this.#entry('user.create', by), null, user));
    if (refused !== null) throw taken(refused.conflict);
  }

  /**
   * Frees the name of a set-up that was cut off. A younger one may be under way in another process: it is left alone,
   * and its name is found taken.
   */
  async #clearPending(name: string): Promise<void> {
    const user = name.includes('@')
      ? await this.#accounts.userByEmail(name)
      : await this.#accounts.userByUsername(name);
    if (user === null || user.enabled || user.deletedAt !== null || user.role !== 'user') return;
    if (user.createdAt <= this.#options.clock.now() - pendingMilliseconds) await this.#withdraw(user.id);
  }

  /** Takes back a user that never had rights, its names included. */
  async #withdraw(id: string): Promise<void> {
    const at = this.#options.clock.now();
    const names = { username: `withdrawn-${id}`, email: `${id}@withdrawn.invalid` };
    await this.#accounts.updateUser(id, { ...names, enabled: false, deletedAt: at, updatedAt: at });
  }

  async #updateUser(
    id: string,
    change: Partial<Omit<User, 'id' | 'createdAt' | 'updatedAt'>>,
    action: string,
    request: ChangeRequest,
  ): Promise<User> {
    await this.#conditionally(request, async () => {
      const before = await this.#existingUser(id);
      const after = { ...before, ...change, updatedAt: this.#options.clock.now() };
      const audit = userEntry(this.#entry(action, request.by), before, after);
      const ifUpdatedAt = request.ifUpdatedAt ?? before.updatedAt;
      await this.#accounts.updateUser(id, { ...change, updatedAt: after.updatedAt }, { audit, ifUpdatedAt });
    });
    await this.#tell('user', id);
    return this.#found(await this.#accounts.user(id), 'user');
  }

  async #updateCredential(
    id: string,
    change: CredentialFields,
    action: string,
    request: ChangeRequest,
  ): Promise<SmtpCredential> {
    await this.#conditionally(request, async () => {
      const before = await this.#existingCredential(id);
      const after = { ...before, ...change, updatedAt: this.#options.clock.now() };
      const audit = credentialEntry(this.#entry(action, request.by), before, after);
      const ifUpdatedAt = request.ifUpdatedAt ?? before.updatedAt;
      await this.#accounts.updateCredential(id, { ...change, updatedAt: after.updatedAt }, { audit, ifUpdatedAt });
    });
    await this.#tell('credential', id);
    return this.#found(await this.#accounts.credential(id), 'SMTP credential');
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

  async #endSessions(userId: string, except?: string): Promise<void> {
    await this.#options.apiAccess.revokeSessions(userId, this.#options.clock.now(), given({ except }));
  }

  #entry(action: string, by: AuditOrigin | undefined) {
    return { action, by, at: this.#options.clock.now() };
  }

  async #credentialsOf(ownerId: string): Promise<SmtpCredential[]> {
    const found: SmtpCredential[] = [];
    let after: string | null = null;
    do {
      const page = await this.#accounts.listCredentials({ ownerId, limit: 500, ...(after === null ? {} : { after }) });
      found.push(...page.items);
      after = page.next;
    } while (after !== null);
    return found;
  }

  async #existingUser(id: string): Promise<User> {
    const user = await this.#accounts.user(id);
    return this.#found(user?.deletedAt === null ? user : null, 'user');
  }

  async #existingCredential(id: string): Promise<SmtpCredential> {
    const credential = await this.#accounts.credential(id);
    return this.#found(credential?.deletedAt === null ? credential : null, 'SMTP credential');
  }

  #found<T>(row: T | null, what: string): T {
    if (row === null) throw new SluiceError('NOT_FOUND', `There is no such ${what}`);
    return row;
  }

  async #tell(kind: 'user' | 'credential', id: string): Promise<void> {
    this.#options.bus.publish({ kind, id });
    await this.#options.directoryCurrent?.();
  }
}

const closed = () =>
  new SluiceError('REGISTRATION_CLOSED', 'There is an administrator already; ask them for an account');
const taken = (field: string) => new SluiceError('CONFLICT', `This ${field} is taken; choose another`);
