import { definePlugin, type Refusal, type Session, services } from '../../core/pipeline/plugin.ts';
import { configSchema } from './config.ts';
import { GuessGuard } from './guess-guard.ts';
import { LoginCheck } from './login-check.ts';
import { LoginValidity } from './login-validity.ts';
import { revoked } from './refusals.ts';

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
    const knownFor = config.known_for;
    const login = new LoginCheck({ accounts, clock, directory, secretVerifier, guard, validity, knownFor });

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
          handler: ({ session, credentials }, context) => login.check(session, credentials, context),
        },
        mailFrom: holds,
        message: { priority: 2_000, handler: holds },
      },
    };
  },
});
