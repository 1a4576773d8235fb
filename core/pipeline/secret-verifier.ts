import type { StoredSecret } from '../storage/ports/accounts.ts';

/** Compares what a client showed with what is stored, in constant time. */
export interface SecretVerifier {
  /**
   * True if `text` is the secret. `null` stands for an unknown user: the answer is false, after the same work as for a
   * secret of the kind `unknown` (default `hmac-sha256`). A plain value for machine-made secrets; for people's
   * passwords a promise that rejects with `LOGIN_BUSY` while too many are being checked.
   */
  verify(stored: StoredSecret | null, text: string, unknown?: StoredSecret['kind']): boolean | Promise<boolean>;
}
