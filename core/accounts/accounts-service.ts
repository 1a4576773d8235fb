import { uuidv7 } from 'uuidv7';
import type { z } from 'zod';
import type { Clock } from '../domain/clock.ts';
import { SluiceError } from '../domain/errors.ts';
import type { Accounts, SmtpCredential, User } from '../storage/ports/accounts.ts';
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
import { generatePassword, generateUsername } from './credential-generator.ts';
import type { Secrets } from './secrets.ts';

/** A credential with its password in clear: shown this once, known to nobody afterwards. */
export interface IssuedCredential {
  readonly credential: SmtpCredential;
  readonly password: string;
}

export interface AccountsServiceOptions {
  readonly accounts: Accounts;
  readonly secrets: Secrets;
  readonly bus: Bus;
  readonly clock: Clock;
  /** Quotas of credentials that name none: `quotas` of the configuration. */
  readonly quotas: { readonly daily_default: number | null; readonly hourly_default: number | null };
  /** Awaited after every change: resolves when this process's own directory knows of it. */
  readonly directoryCurrent?: () => Promise<void>;
}

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

/** Users and SMTP credentials: every change is validated, stored and told on the bus. Who may do it is the caller's question. */
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
  async createUser(input: NewUser): Promise<User> {
    const { password, ...fields } = parse(newUserSchema, input);
    const user = this.#newUser(fields, await this.#secrets.hashPassword(password), true);
    await this.#insertUser(user);
    await this.#tell('user', user.id);
    return user;
  }

  /**
   * Makes the first administrator, once ever: of several at the same time one wins. The user is stored without rights
   * and gets them by `claimSetup`; one left behind by a crash in between is replaced. Throws `REGISTRATION_CLOSED`
   * when there is an administrator already.
   */
  async createFirstAdministrator(input: Registration): Promise<User> {
    const { password, ...fields } = parse(registrationSchema, input);
    if (await this.#accounts.setupDone()) throw closed();
    await this.#clearPending(fields.email);
    await this.#clearPending(fields.username);
    const user = this.#newUser(fields, await this.#secrets.hashPassword(password), false);
    await this.#insertUser(user);
    if (!(await this.#accounts.claimSetup(user.id, this.#options.clock.now()))) {
      await this.#withdraw(user.id);
      throw closed();
    }
    await this.#tell('user', user.id);
    return this.#existingUser(user.id);
  }

  /** Throws `NOT_FOUND` for an unknown or deleted user. */
  async changeUser(id: string, input: UserChange): Promise<User> {
    const { password, daily_quota, hourly_quota, ...rest } = parse(userChangeSchema, input);
    await this.#existingUser(id);
    if (rest.email !== undefined) {
      const other = await this.#accounts.userByEmail(rest.email);
      if (other !== null && other.id !== id) throw taken('email');
    }
    await this.#accounts.updateUser(id, {
      ...given(rest),
      ...given({ dailyQuota: daily_quota, hourlyQuota: hourly_quota }),
      ...(password === undefined ? {} : { password: await this.#secrets.hashPassword(password) }),
      updatedAt: this.#options.clock.now(),
    });
    await this.#tell('user', id);
    return this.#existingUser(id);
  }

  /** Soft: the row and its names stay. Its credentials stop working, its mail goes on. */
  async deleteUser(id: string): Promise<void> {
    await this.#existingUser(id);
    const at = this.#options.clock.now();
    await this.#accounts.updateUser(id, { enabled: false, deletedAt: at, updatedAt: at });
    await this.#tell('user', id);
    for (const credential of await this.#credentialsOf(id)) {
      await this.#accounts.updateCredential(credential.id, { enabled: false, updatedAt: at });
      await this.#tell('credential', credential.id);
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
  async createCredential(ownerId: string, input: NewCredential): Promise<IssuedCredential> {
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
      if ((await this.#accounts.insertCredential(credential)) !== null) continue;
      await this.#tell('credential', credential.id);
      return { credential, password };
    }
    throw new SluiceError('CONFLICT', 'No free username was found; try again');
  }

  /** Throws `NOT_FOUND` for an unknown or deleted credential. */
  async changeCredential(id: string, input: CredentialChange): Promise<SmtpCredential> {
    const { daily_quota, hourly_quota, over_limit, ...rest } = parse(credentialChangeSchema, input);
    await this.#existingCredential(id);
    const change = { dailyQuota: daily_quota, hourlyQuota: hourly_quota, overLimit: over_limit };
    await this.#updateCredential(id, { ...given(rest), ...given(change) });
    return this.#existingCredential(id);
  }

  /** Replaces the password; the old one stops working at once. */
  async resetPassword(id: string): Promise<IssuedCredential> {
    await this.#existingCredential(id);
    const password = generatePassword();
    await this.#updateCredential(id, { secret: this.#secrets.hashMachineSecret(password) });
    return { credential: await this.#existingCredential(id), password };
  }

  /** Soft: the row stays and its username is never used again; its mail goes on. */
  async deleteCredential(id: string): Promise<void> {
    await this.#existingCredential(id);
    await this.#updateCredential(id, { enabled: false, deletedAt: this.#options.clock.now() });
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

  async #insertUser(user: User): Promise<void> {
    const refused = await this.#accounts.insertUser(user);
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

  async #updateCredential(id: string, change: Partial<Omit<SmtpCredential, 'id' | 'ownerId' | 'createdAt'>>) {
    await this.#accounts.updateCredential(id, { ...change, updatedAt: this.#options.clock.now() });
    await this.#tell('credential', id);
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
