import { uuidv7 } from 'uuidv7';
import { SluiceError } from '../domain/errors.ts';
import type { Accounts, SmtpCredential, User } from '../storage/ports/accounts.ts';
import type { ApiAccess } from '../storage/ports/api-access.ts';
import type { AuditOrigin } from '../storage/ports/audit-log.ts';
import { AccountChanges, type AccountChangesOptions, type ChangeRequest, taken } from './account-changes.ts';
import { given, parseInput } from './account-input.ts';
import {
  type CredentialChange,
  credentialChangeSchema,
  emailSchema,
  type NewCredential,
  type NewUser,
  newCredentialSchema,
  newUserSchema,
  type Registration,
  type UserChange,
  userChangeSchema,
} from './account-schemas.ts';
import { generatePassword, generateUsername } from './credential-generator.ts';
import { createFirstAdministrator } from './first-administrator.ts';
import { newUser } from './new-user.ts';
import type { Secrets } from './secrets.ts';

/** A credential with its password in clear: shown this once, known to nobody afterwards. */
export interface IssuedCredential {
  readonly credential: SmtpCredential;
  readonly password: string;
}

export interface AccountsServiceOptions extends AccountChangesOptions {
  /** API logins, which end with the password, the account, or its being switched off. */
  readonly apiAccess: Pick<ApiAccess, 'revokeSessions'>;
  readonly secrets: Secrets;
  /** Quotas of credentials that name none: `quotas` of the configuration. */
  readonly quotas: { readonly daily_default: number | null; readonly hourly_default: number | null };
}

/** Made-up usernames that may be taken before one gives up. */
const mostUsernames = 5;

/**
 * Users and SMTP credentials: every change is validated, stored with its audit entry and told on the bus. Who may do it
 * is the caller's question.
 */
export class AccountsService {
  readonly #options: AccountsServiceOptions;
  readonly #accounts: Accounts;
  readonly #secrets: Secrets;
  readonly #changes: AccountChanges;

  constructor(options: AccountsServiceOptions) {
    this.#options = options;
    this.#accounts = options.accounts;
    this.#secrets = options.secrets;
    this.#changes = new AccountChanges(options);
  }

  /** Throws `REQUEST_INVALID`, `CONFLICT` (name or email taken) or `LOGIN_BUSY`. */
  async createUser(input: NewUser, by?: AuditOrigin): Promise<User> {
    const { password, ...fields } = parseInput(newUserSchema, input);
    const hash = await this.#secrets.hashPassword(password);
    const user = newUser(fields, { password: hash, enabled: true, at: this.#options.clock.now() });
    await this.#changes.insertUser(user, by);
    await this.#changes.tell('user', user.id);
    return user;
  }

  /** See `createFirstAdministrator`. */
  createFirstAdministrator(input: Registration, by?: AuditOrigin): Promise<User> {
    return createFirstAdministrator({ ...this.#options, changes: this.#changes }, input, by);
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
    const { password, daily_quota, hourly_quota, ...rest } = parseInput(userChangeSchema, input);
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
    const user = await this.#changes.updateUser(id, change, action, request);
    if (password !== undefined || !user.enabled) await this.#endSessions(id, request.keepSession);
    return user;
  }

  /** Soft: the row and its names stay. Its logins and credentials stop working, its mail goes on. */
  async deleteUser(id: string, request: ChangeRequest = {}): Promise<void> {
    const change = { enabled: false, deletedAt: this.#options.clock.now() };
    await this.#changes.updateUser(id, change, 'user.delete', request);
    await this.#endSessions(id);
    const by = given({ by: request.by });
    for (const credential of await this.#credentialsOf(id)) {
      if (credential.deletedAt !== null || !credential.enabled) continue;
      await this.#changes.updateCredential(credential.id, { enabled: false }, 'smtp-credential.change', by);
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
    const fields = parseInput(newCredentialSchema, input);
    await this.#changes.existingUser(ownerId);
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
    for (let attempt = 0; attempt < mostUsernames; attempt += 1) {
      const credential: SmtpCredential = { ...draft, username: generateUsername() };
      if (await this.#changes.insertCredential(credential, by)) return { credential, password };
    }
    throw new SluiceError('CONFLICT', 'No free username was found; try again');
  }

  /** Throws `NOT_FOUND` for an unknown or deleted credential, `PRECONDITION_FAILED`. */
  changeCredential(id: string, input: CredentialChange, request: ChangeRequest = {}): Promise<SmtpCredential> {
    const { daily_quota, hourly_quota, over_limit, ...rest } = parseInput(credentialChangeSchema, input);
    const limits = given({ dailyQuota: daily_quota, hourlyQuota: hourly_quota, overLimit: over_limit });
    return this.#changes.updateCredential(id, { ...given(rest), ...limits }, 'smtp-credential.change', request);
  }

  /** Replaces the password; the old one stops working at once. */
  async resetPassword(id: string, by?: AuditOrigin): Promise<IssuedCredential> {
    const password = generatePassword();
    const change = { secret: this.#secrets.hashMachineSecret(password) };
    const action = 'smtp-credential.reset-password';
    return { credential: await this.#changes.updateCredential(id, change, action, given({ by })), password };
  }

  /** Soft: the row stays and its username is never used again; its mail goes on. */
  async deleteCredential(id: string, request: ChangeRequest = {}): Promise<void> {
    const change = { enabled: false, deletedAt: this.#options.clock.now() };
    await this.#changes.updateCredential(id, change, 'smtp-credential.delete', request);
  }

  async #endSessions(userId: string, except?: string): Promise<void> {
    await this.#options.apiAccess.revokeSessions(userId, this.#options.clock.now(), given({ except }));
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
}
