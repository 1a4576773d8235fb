import { isWithinDomain } from '../../core/domain/domain-name.ts';
import type { Identity } from '../../core/domain/identity.ts';
import type { Directory } from '../../core/pipeline/directory.ts';

/** The domains a login may send from. */
export interface SenderPolicy {
  allows(domain: string): boolean;
  /** The narrower list, for the refusal. */
  readonly domains: readonly string[];
}

/** `unknown`: credential or owner are gone; nothing may be sent. */
export type Binding = 'free' | 'unknown' | SenderPolicy;

/**
 * What binds this identity. An empty list allows any domain; where both the credential and its owner have a list, a
 * domain has to be in both, so that nobody escapes the owner's list by a credential of their own.
 */
export function bindingOf(identity: Identity | null, directory: Directory, subdomains: boolean): Binding {
  if (identity === null || identity.credentialId === null) return 'free';
  const credential = directory.credential(identity.credentialId);
  const user = directory.user(identity.ownerId);
  if (credential === undefined || user === undefined) return 'unknown';
  if (credential.domains.length === 0 && user.domains.length === 0) return 'free';
  const inList = (domain: string, list: readonly string[]): boolean =>
    list.length === 0 || (subdomains ? list.some((parent) => isWithinDomain(domain, parent)) : list.includes(domain));
  return {
    allows: (domain) => inList(domain, credential.domains) && inList(domain, user.domains),
    domains: credential.domains.length > 0 ? credential.domains : user.domains,
  };
}
