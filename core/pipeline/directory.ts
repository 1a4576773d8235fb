import type { SmtpCredential, User } from '../storage/ports/accounts.ts';

/**
 * Users and credentials in memory, kept current by the bus and by polling, so that the SMTP path never waits for the
 * database. Deleted and disabled ones are found, too: the caller looks at `enabled` and `deletedAt`.
 */
export interface Directory {
  user(id: string): User | undefined;
  credential(id: string): SmtpCredential | undefined;
  /** Compared without case. */
  credentialByUsername(username: string): SmtpCredential | undefined;
  /**
   * Reads anew what is stored under a username; absent where nobody but this process writes. For a login that would be
   * refused: another process may have made or changed the credential a moment ago.
   */
  refresh?(username: string): Promise<void>;
  /** True if the credential may be used now: it and its owner exist and are enabled. */
  usable(credentialId: string): boolean;
}
