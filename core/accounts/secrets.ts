import { createHmac, createSecretKey, hkdfSync, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { hash, verify } from '@node-rs/argon2';
import type { SecretVerifier } from '../pipeline/secret-verifier.ts';
import type { StoredSecret } from '../storage/ports/accounts.ts';
import { WorkPool } from './work-pool.ts';

/** OWASP's second recommended setting; some 20 ms of one core. The algorithm defaults to Argon2id. */
const argon2Cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Stands in for an unknown user's password; its parameters are those of every stored one, so that the work is the same. */
const unknownPassword = `$argon2id$v=19$m=${argon2Cost.memoryCost},t=${argon2Cost.timeCost},p=${argon2Cost.parallelism}$${'A'.repeat(22)}$${'A'.repeat(43)}`;

type HmacSecret = Extract<StoredSecret, { kind: 'hmac-sha256' }>;
const unknownSecret: HmacSecret = {
  kind: 'hmac-sha256',
  salt: Buffer.alloc(16).toString('base64url'),
  hash: Buffer.alloc(32).toString('base64url'),
};

/**
 * Makes and checks stored secrets. What machines made (at least 128 bits) needs no slow hash: HMAC-SHA-256 over salt
 * and secret, keyed by the process's secrets key, in microseconds. What people chose is hashed by Argon2id in a bounded pool.
 */
export class Secrets implements SecretVerifier {
  /** Ready for use: making one of bytes at each login would cost five times the hash itself. */
  readonly #key: KeyObject;
  readonly #pool: WorkPool;

  /** `secretsKey` is the configured or generated one; the key used here is derived from it. */
  constructor(options: { secretsKey: string; concurrency?: number; waiting?: number }) {
    this.#key = createSecretKey(
      Buffer.from(hkdfSync('sha256', options.secretsKey, '', 'sluice credential secrets', 32)),
    );
    this.#pool = new WorkPool({
      concurrency: options.concurrency ?? Math.max(1, Math.min(4, availableParallelism() - 1)),
      waiting: options.waiting ?? 32,
    });
  }

  /** For secrets of at least 128 random bits only. */
  hashMachineSecret(text: string): StoredSecret {
    const salt = randomBytes(16).toString('base64url');
    return { kind: 'hmac-sha256', salt, hash: this.#mac(salt, text).toString('base64url') };
  }

  /** Rejects with `LOGIN_BUSY` while the pool is full. */
  async hashPassword(text: string): Promise<StoredSecret> {
    return { kind: 'argon2id', phc: await this.#pool.run(() => hash(text.normalize('NFC'), argon2Cost)) };
  }

  verify(
    stored: StoredSecret | null,
    text: string,
    unknown: StoredSecret['kind'] = 'hmac-sha256',
  ): boolean | Promise<boolean> {
    if ((stored?.kind ?? unknown) === 'argon2id') {
      return this.#verifyPassword(stored?.kind === 'argon2id' ? stored.phc : null, text);
    }
    const expected = stored?.kind === 'hmac-sha256' ? stored : unknownSecret;
    const found = this.#mac(expected.salt, text);
    const wanted = Buffer.from(expected.hash, 'base64url');
    const equal = wanted.length === found.length && timingSafeEqual(found, wanted);
    return equal && stored !== null;
  }

  async #verifyPassword(phc: string | null, text: string): Promise<boolean> {
    const equal = await this.#pool.run(() => verify(phc ?? unknownPassword, text.normalize('NFC')));
    return equal && phc !== null;
  }

  #mac(salt: string, text: string): Buffer {
    return createHmac('sha256', this.#key).update(`${salt}\0${text}`).digest();
  }
}
