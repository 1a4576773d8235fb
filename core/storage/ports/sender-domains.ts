import type { Page } from './accounts.ts';

/** A domain in the list of a user, which binds all of his credentials, or in that of one credential. */
export interface SenderDomain {
  /** Lower-case A-labels. */
  readonly domain: string;
  readonly ownerId: string;
  /** Null: the user's own list. */
  readonly credentialId: string | null;
}

/** All given ones must hold. */
export interface SenderDomainListOptions {
  readonly ownerId?: string;
  /** Only that credential's own list. */
  readonly credentialId?: string;
  readonly of?: 'user' | 'credential';
  /** Part of the domain. */
  readonly search?: string;
  /** Default: `domain`. */
  readonly sort?: 'domain' | 'owner_id';
  readonly descending?: boolean;
  /** `next` of the page before, asked for with the same filter and order. */
  readonly after?: string;
  readonly limit: number;
}

/** Reading side of the domains that users and SMTP credentials may send from; deleted ones are left out. */
export interface SenderDomains {
  list(options: SenderDomainListOptions): Promise<Page<SenderDomain>>;
}
