import type { StoredSecret } from '../../storage/ports/accounts.ts';
import type { SecretVerifier } from '../secret-verifier.ts';

/** A stored secret that only `FakeSecretVerifier` reads: it holds the text itself. */
export const fakeSecret = (text: string): StoredSecret => ({ kind: 'hmac-sha256', salt: 'fake', hash: text });

/** Compares texts, and counts how often it was asked. */
export class FakeSecretVerifier implements SecretVerifier {
  asked = 0;

  verify(stored: StoredSecret | null, text: string): boolean {
    this.asked++;
    return stored?.kind === 'hmac-sha256' && stored.hash === text;
  }
}
