import { SluiceError } from '../../core/domain/errors.ts';
import { clientNetwork } from '../../core/domain/ip-network.ts';
import {
  accept,
  defer,
  definePlugin,
  disconnect,
  type Refusal,
  reject,
  reply,
  type Session,
  services,
} from '../../core/pipeline/plugin.ts';
import { configSchema } from './config.ts';
import { GuessGuard } from './guess-guard.ts';
import { LoginValidity, saltOf } from './login-validity.ts';
import type { AuthNotes } from './notes.ts';
import { pause } from './pause.ts';

/** One text for every failure, so that a guesser learns nothing and an owner knows where to look. */
const wrong = reject(
  reply(
    535,
    '5.7.8',
    'login failed: check username and password, and that the credential is enabled and allowed from your address',
  ),
);
const busy = defer(reply(454, '4.7.0', 'too many logins are being checked; try again in a few seconds'));
const revoked = disconnect(reply(421, '4.7.0', 'your login is no longer valid; connect and log in again'));

const clockTime = (at: number): string => `${new Date(at).toISOString().slice(11, 19)} UTC`;

/** Stands in for an unknown credential where the database is asked, so that the same work is done. */
const noCredential = '00000000-0000-7000-8000-000000000000';

const notesOf = (session: Session): AuthNotes => {
  session.notes.auth ??= { failures: 0, salt: null };
  return session.notes.auth;
};

export const plugin = definePlugin({
  name: 'auth',
  version: '1.0.0',
  contract: 1,
  summary: 'Checks SMTP logins; delays, counts and locks out guessing',
  roles: ['smtp'],
  config: configSchema,
  needs: {
    accounts: services.accounts,
    clock: services.clock,
    directory: services.directory,
    rateLimits: services.rateLimits,
    secretVerifier: services.secretVerifier,
  },
  init({ id, config, services: { accounts, clock, directory, rateLimits, secretVerifier } }) {
    const guard = new GuessGuard({ id, rateLimits, config });
    const validity = new LoginValidity(directory);

    /** A login may be revoked while its session is open. */
    const holds = ({ session }: { session: Session }): Refusal | undefined => {
      const credentialId = session.identity?.credentialId ?? null;
      if (credentialId === null) return undefined;
      const salt = session.notes.auth?.salt ?? null;
      return validity.stillHolds(credentialId, session.remote.address, salt) ? undefined : revoked;
    };

    return {
      hooks: {
        auth: {
          timeoutMilliseconds: config.delay.most + 10_000,
          async handler({ session, credentials: { username, password } }, { log, signal }) {
            const { address } = session.remote;
            const client = clientNetwork(address);
            const credential = directory.credentialByUsername(username);
            const isKnown = async (): Promise<boolean> => {
              const since = clock.now() - config.known_for;
              const known = await accounts.knownAddress(credential?.id ?? noCredential, address, since);
              return known && credential !== undefined;
            };
            const guess = await guard.take(client, isKnown);
            if ('lockedUntil' in guess) {
              const until = clockTime(guess.lockedUntil);
              return disconnect(
                reply(421, '4.7.0', `too many failed logins from ${address}; try again after ${until}`),
              );
            }
            const fail = async (refusal: Refusal, reason: string): Promise<Refusal> => {
              notesOf(session).failures += 1;
              log.info({ username, address, reason }, 'login failed');
              await pause(guard.delay(guess.taken), signal);
              return refusal;
            };

            const lockedUntil = await guard.lockedName(username);
            if (lockedUntil !== null && !(await isKnown())) {
              const text = `too many failed logins as this user; try again after ${clockTime(lockedUntil)}`;
              return fail(defer(reply(454, '4.7.0', text)), 'username locked');
            }

            let right: boolean;
            try {
              right = await secretVerifier.verify(credential?.secret ?? null, password);
            } catch (error) {
              await guard.giveBack(client);
              if (error instanceof SluiceError && error.code === 'LOGIN_BUSY') return busy;
              throw error;
            }
            if (!right || credential === undefined || !validity.admits(credential, address)) {
              await guard.failedName(username);
              return fail(
                wrong,
                right ? 'disabled or not allowed from this address' : 'unknown user or wrong password',
              );
            }
            await guard.giveBack(client);
            accounts.touchCredential(credential.id, clock.now(), address);
            notesOf(session).salt = saltOf(credential.secret);
            return accept({ ownerId: credential.ownerId, credentialId: credential.id, username: credential.username });
          },
        },
        mailFrom: holds,
        message: { priority: 2_000, handler: holds },
      },
    };
  },
});
