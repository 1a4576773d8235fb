import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

const cipher = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;

/** Keyed hashes and encryption under the server's secrets key, each purpose with a key of its own. */
export class Seals {
  readonly #secretsKey: string;
  readonly #keys = new Map<string, Buffer>();

  constructor(secretsKey: string) {
    this.#secretsKey = secretsKey;
  }

  /** The same text has the same fingerprint. For what cannot be guessed: at least 128 random bits. */
  fingerprint(purpose: 'api-key' | 'refresh-token' | 'idempotency-key' | 'request' | 'settings', text: string): string {
    const key = this.#keys.get(purpose) ?? this.#derive('', `sluice ${purpose}`);
    this.#keys.set(purpose, key);
    return createHmac('sha256', key).update(text).digest('base64url');
  }

  /** Encrypts so that it can be read again only with `secret` and the server's key together. */
  seal(secret: string, text: string): string {
    const nonce = randomBytes(nonceBytes);
    const sealing = createCipheriv(cipher, this.#derive(secret, 'sluice sealed text'), nonce);
    const sealed = [nonce, sealing.update(text, 'utf8'), sealing.final(), sealing.getAuthTag()];
    return Buffer.concat(sealed).toString('base64');
  }

  /** Throws where the text was not sealed with this secret and key. */
  open(secret: string, sealed: string): string {
    const bytes = Buffer.from(sealed, 'base64');
    const opening = createDecipheriv(
      cipher,
      this.#derive(secret, 'sluice sealed text'),
      bytes.subarray(0, nonceBytes),
      { authTagLength: tagBytes },
    );
    opening.setAuthTag(bytes.subarray(-tagBytes));
    return Buffer.concat([opening.update(bytes.subarray(nonceBytes, -tagBytes)), opening.final()]).toString('utf8');
  }

  #derive(salt: string, info: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#secretsKey, salt, info, 32));
  }
}
