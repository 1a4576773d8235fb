import { NetworkSet } from '../../core/domain/ip-network.ts';
import type { Directory } from '../../core/pipeline/directory.ts';
import type { SmtpCredential, StoredSecret } from '../../core/storage/ports/accounts.ts';

/** The salt of a stored secret; every new password brings a new one. */
export const saltOf = (secret: StoredSecret): string =>
  secret.kind === 'argon2id' ? (secret.phc.split('$')[4] ?? '') : secret.salt;

/** Whether a credential may be used, from where, and whether a login made earlier still holds. */
export class LoginValidity {
  readonly #directory: Directory;
  readonly #networks = new WeakMap<SmtpCredential, NetworkSet>();

  constructor(directory: Directory) {
    this.#directory = directory;
  }

  /** It and its owner exist and are enabled, and it is not bound to other networks. */
  admits(credential: SmtpCredential, address: string): boolean {
    if (!this.#directory.usable(credential.id)) return false;
    if (credential.networks.length === 0) return true;
    let networks = this.#networks.get(credential);
    if (networks === undefined) {
      networks = new NetworkSet(credential.networks);
      this.#networks.set(credential, networks);
    }
    return networks.contains(address);
  }

  /** As `admits`, and the password is the one that the session logged in with. `salt` is null where that is not known. */
  stillHolds(credentialId: string, address: string, salt: string | null): boolean {
    const credential = this.#directory.credential(credentialId);
    if (credential === undefined || !this.admits(credential, address)) return false;
    return salt === null || salt === saltOf(credential.secret);
  }
}
