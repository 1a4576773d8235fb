import type { Clock } from '../../core/domain/clock.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { Identity } from '../../core/domain/identity.ts';
import { clientNetwork } from '../../core/domain/ip-network.ts';
import type { Directory } from '../../core/pipeline/directory.ts';
import { accept, type Credentials, type HookContext, type Refusal, type Session } from '../../core/pipeline/plugin.ts';
import type { SecretVerifier } from '../../core/pipeline/secret-verifier.ts';
import type { Accept } from '../../core/pipeline/verdict.ts';
import type { Accounts, SmtpCredential } from '../../core/storage/ports/accounts.ts';
import type { GuessGuard } from './guess-guard.ts';
import { type LoginValidity, saltOf } from './login-validity.ts';
import { notesOf } from './notes.ts';
import { pause } from './pause.ts';
import { addressLocked, busy, usernameLocked, wrong } from './refusals.ts';

/** Stands in for an unknown credential where the database is asked, so that the same work is done. */
const noCredential = '00000000-0000-7000-8000-000000000000';

export interface LoginCheckOptions {
  readonly accounts: Accounts;
  readonly clock: Clock;
  readonly directory: Directory;
  readonly secretVerifier: SecretVerifier;
  readonly guard: GuessGuard;
  readonly validity: LoginValidity;
  /** How long ago an address has to have logged in to be known, in milliseconds. */
  readonly knownFor: number;
}

/** A login that is refused after a delay. */
interface Failure {
  readonly failed: Refusal;
  readonly reason: string;
  /** How many guesses of this address were taken in the window. */
  readonly taken: number;
}

/** Decides one login: locks first, then the password, and last whether the credential may be used here and now. */
export class LoginCheck {
  readonly #options: LoginCheckOptions;

  constructor(options: LoginCheckOptions) {
    this.#options = options;
  }

  async check(
    session: Session,
    credentials: Credentials,
    { log, signal }: HookContext,
  ): Promise<Accept<Identity> | Refusal> {
    const { guard } = this.#options;
    const { address } = session.remote;
    const endTurn = await guard.turn(clientNetwork(address));
    if (signal.aborted) {
      endTurn();
      return busy;
    }
    const judged = await this.#judge(session, credentials, signal).finally(endTurn);
    if (!('failed' in judged)) return judged;
    notesOf(session).failures += 1;
    log.info({ username: credentials.username, address, reason: judged.reason }, 'login failed');
    await pause(guard.delay(judged.taken), signal);
    return judged.failed;
  }

  async #judge(
    session: Session,
    { username, password }: Credentials,
    signal: AbortSignal,
  ): Promise<Accept<Identity> | Refusal | Failure> {
    const { clock, directory, guard, validity } = this.#options;
    const { address } = session.remote;
    let credential = directory.credentialByUsername(username);
    const isKnown = () => this.#isKnown(credential, address);

    const guess = await guard.take(clientNetwork(address), isKnown, signal);
    if ('lockedUntil' in guess) return addressLocked(address, guess.lockedUntil);
    const fail = (failed: Refusal, reason: string): Failure => ({ failed, reason, taken: guess.taken });

    const lockedUntil = await guard.lockedName(username);
    if (lockedUntil !== null && !(await isKnown())) return fail(usernameLocked(lockedUntil), 'username locked');

    let right = await this.#verify(credential, password, clientNetwork(address));
    if (right === null) return busy;
    if (directory.refresh !== undefined && !(right && credential !== undefined && directory.usable(credential.id))) {
      // For every login that fails, so that it takes as long whether the username is known or not.
      await directory.refresh(username);
      const now = directory.credentialByUsername(username);
      if (now !== undefined && (credential === undefined || saltOf(now.secret) !== saltOf(credential.secret))) {
        right = await this.#verify(now, password, clientNetwork(address));
        if (right === null) return busy;
      }
      credential = now;
    }
    if (!right || credential === undefined || !validity.admits(credential, address)) {
      await guard.failedName(username);
      return fail(wrong, right ? 'disabled or not allowed from this address' : 'unknown user or wrong password');
    }
    await guard.giveBack(clientNetwork(address));
    this.#options.accounts.touchCredential(credential.id, clock.now(), address);
    notesOf(session).salt = saltOf(credential.secret);
    return accept({ ownerId: credential.ownerId, credentialId: credential.id, username: credential.username });
  }

  async #isKnown(credential: SmtpCredential | undefined, address: string): Promise<boolean> {
    const { accounts, clock, knownFor } = this.#options;
    const known = await accounts.knownAddress(credential?.id ?? noCredential, address, clock.now() - knownFor);
    return known && credential !== undefined;
  }

  /** Null while too many passwords are being checked: then nothing was looked at, and nothing is counted. */
  async #verify(credential: SmtpCredential | undefined, password: string, client: string): Promise<boolean | null> {
    const { guard, secretVerifier } = this.#options;
    try {
      return await secretVerifier.verify(credential?.secret ?? null, password);
    } catch (error) {
      await guard.giveBack(client);
      if (error instanceof SluiceError && error.code === 'LOGIN_BUSY') return null;
      throw error;
    }
  }
}
