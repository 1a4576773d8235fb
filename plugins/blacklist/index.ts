import { NetworkTable } from '../../core/domain/network-table.ts';
import { isPermanent } from '../../core/domain/reply.ts';
import { definePlugin, type Refusal, type Session, services } from '../../core/pipeline/plugin.ts';
import type {} from '../auth/notes.ts';
import { AutoBan } from './auto-ban.ts';
import { configSchema } from './config.ts';
import { ownNetworks } from './own-addresses.ts';
import { type Listed, refuseListed } from './refusal.ts';

export const plugin = definePlugin({
  name: 'blacklist',
  version: '1.0.0',
  contract: 1,
  summary: 'Refuses listed addresses and networks; adds offenders by itself',
  roles: ['smtp'],
  config: configSchema,
  needs: {
    blacklist: services.blacklist,
    blacklistIndex: services.blacklistIndex,
    bus: services.bus,
    clock: services.clock,
    rateLimits: services.rateLimits,
  },
  init({ id, config, services: { blacklist, blacklistIndex, bus, clock, rateLimits }, log }) {
    const listed = new NetworkTable<Listed>();
    for (const { network, reason, expires } of config.entries) {
      listed.add(network, { reason, expiresAt: expires === undefined ? null : Date.parse(expires) });
    }
    const inForce = ({ expiresAt }: Listed): boolean => expiresAt === null || expiresAt > clock.now();
    const check = ({ session }: { session: Session }): Refusal | undefined => {
      const { address } = session.remote;
      const entry = blacklistIndex.match(address) ?? listed.find(address, inForce);
      return entry === undefined ? undefined : refuseListed(address, entry);
    };
    const autoBan = new AutoBan({
      id,
      config: config.auto_ban,
      blacklist,
      bus,
      clock,
      rateLimits,
      log,
      protectedNetworks: [...ownNetworks(), ...config.protected],
    });

    return {
      hooks: {
        // First: nothing else is worth doing for who is refused anyway. Open sessions meet a new entry at their next MAIL.
        connect: { priority: -1_000, handler: check },
        auth: { priority: -1_000, handler: check },
        mailFrom: { priority: -1_000, handler: check },
        async transactionEnd({ session, outcome, reply }) {
          if (outcome !== 'refused' || reply === null || !isPermanent(reply)) return;
          if (session.identity !== null || session.trustedNetwork !== null) return;
          await autoBan.count(session.remote.address, 'refusals', 1);
        },
        async disconnect({ session }) {
          if (session.trustedNetwork !== null) return;
          await autoBan.count(session.remote.address, 'failed_logins', session.notes.auth?.failures ?? 0);
        },
      },
    };
  },
});
