import { SluiceError } from '../domain/errors.ts';
import type { Accounts, SmtpCredential, User } from '../storage/ports/accounts.ts';
import type { AuditOrigin } from '../storage/ports/audit-log.ts';
import type { AccountsService } from './accounts-service.ts';

/** Whose list of domains is meant: that of a user, or that of one credential. */
export type DomainListOwner = { readonly userId: string } | { readonly credentialId: string };

/** Changes of the same list that may come in between before one gives up. */
const mostTries = 10;

/**
 * The domains that users and credentials may send from, one by one. They are the `domains` of the account: a change is
 * a change of it, with its audit entry. An empty list allows every domain, so the last one is not taken away here.
 */
export class SenderDomainLists {
  readonly #accounts: Pick<Accounts, 'user' | 'credential'>;
  readonly #service: Pick<AccountsService, 'changeUser' | 'changeCredential'>;

  constructor(options: {
    accounts: Pick<Accounts, 'user' | 'credential'>;
    accountsService: Pick<AccountsService, 'changeUser' | 'changeCredential'>;
  }) {
    this.#accounts = options.accounts;
    this.#service = options.accountsService;
  }

  /** `domain` is normalised. Throws `CONFLICT` for one that is there already, `NOT_FOUND`, `REQUEST_INVALID`. */
  add(owner: DomainListOwner, domain: string, by: AuditOrigin): Promise<void> {
    return this.#change(owner, by, (domains) => {
      if (domains.includes(domain)) throw new SluiceError('CONFLICT', `${domain} is in this list already`);
      return [...domains, domain];
    });
  }

  /** Throws `NOT_FOUND` for one that is not in the list, `CONFLICT` for the last one. */
  remove(owner: DomainListOwner, domain: string, by: AuditOrigin): Promise<void> {
    return this.#change(owner, by, (domains) => {
      if (!domains.includes(domain)) throw new SluiceError('NOT_FOUND', 'there is no such domain in a list');
      if (domains.length > 1) return domains.filter((one) => one !== domain);
      const advice = 'without it every domain would be allowed. If that is meant, set `domains` to an empty list there';
      throw new SluiceError('CONFLICT', `${domain} is the last of this list; ${advice}`);
    });
  }

  /** Of the version that was read, and read again where somebody came in between: no change of another's is lost. */
  async #change(
    owner: DomainListOwner,
    by: AuditOrigin,
    edit: (domains: readonly string[]) => string[],
  ): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const { id, domains, updatedAt } = await this.#owner(owner);
      const change = { by, ifUpdatedAt: updatedAt };
      const edited = { domains: edit(domains) };
      try {
        if ('userId' in owner) await this.#service.changeUser(id, edited, change);
        else await this.#service.changeCredential(id, edited, change);
        return;
      } catch (error) {
        const stale = error instanceof SluiceError && error.code === 'PRECONDITION_FAILED';
        if (!stale || attempt === mostTries) throw error;
      }
    }
  }

  async #owner(owner: DomainListOwner): Promise<User | SmtpCredential> {
    const found =
      'userId' in owner ? await this.#accounts.user(owner.userId) : await this.#accounts.credential(owner.credentialId);
    if (found !== null && found.deletedAt === null) return found;
    throw new SluiceError('NOT_FOUND', 'there is no such user or SMTP credential');
  }
}
