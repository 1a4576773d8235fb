import type { Identity } from '../../core/domain/identity.ts';
import { definePlugin, type Refusal, type Session, services, type Transaction } from '../../core/pipeline/plugin.ts';
import { configSchema } from './config.ts';
import { type Counted, type Exceeded, Rates } from './rates.ts';
import { tooFast } from './refusal.ts';

type Now<T> = T | Promise<T>;

export const plugin = definePlugin({
  name: 'rate-limit',
  version: '1.0.0',
  contract: 1,
  summary: 'Limits connections, commands, messages and recipients of an address, credential and user in windows',
  roles: ['smtp'],
  config: configSchema,
  needs: { rateLimits: services.rateLimits },
  init({ id, config, services: { rateLimits } }) {
    const rates = new Rates({ id, rateLimits, config });
    const judge = (exceeded: Exceeded | undefined): Refusal | undefined =>
      exceeded === undefined ? undefined : tooFast(exceeded);
    const take = (counted: Counted, { remote }: Session, identity: Identity | null): Now<Refusal | undefined> => {
      const exceeded = rates.take(counted, remote.address, identity);
      return exceeded instanceof Promise ? exceeded.then(judge) : judge(exceeded);
    };
    const command = ({ session }: { session: Session }) => take('commands', session, session.identity);
    /** A hook only where there is something to limit: a message passes several of them. */
    const counting = (counted: 'messages' | 'recipients') => [
      ...(rates.limits('commands') ? [command] : []),
      ...(rates.limits(counted)
        ? [
            ({ session, transaction }: { session: Session; transaction: Transaction }) =>
              take(counted, session, transaction.identity),
          ]
        : []),
    ];
    const commands = rates.limits('commands') ? [{ priority: -500, handler: command }] : [];

    return {
      hooks: {
        connect: rates.limits('connections')
          ? [{ priority: -500, handler: ({ session }: { session: Session }) => take('connections', session, null) }]
          : [],
        helo: commands,
        auth: commands,
        mailFrom: counting('messages'),
        rcptTo: counting('recipients'),
        data: commands,
        command: commands,
      },
    };
  },
});
