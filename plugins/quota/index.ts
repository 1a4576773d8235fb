import { definePlugin, type Refusal, services, type Transaction } from '../../core/pipeline/plugin.ts';
import type { Reservation, Reserved } from '../../core/storage/ports/counters.ts';
import { type Allowance, Allowances } from './allowances.ts';
import { Calendar } from './calendar.ts';
import { configSchema } from './config.ts';
import { gone, overQuota } from './refusal.ts';

/** A third of a reservation's lease, so that two renewals may fail. */
const renewalMilliseconds = 20_000;

export const plugin = definePlugin({
  name: 'quota',
  version: '1.0.0',
  contract: 1,
  summary: 'Daily and hourly quotas of credentials, users and trusted networks, in recipients',
  roles: ['smtp'],
  config: configSchema,
  needs: { counters: services.counters, directory: services.directory, clock: services.clock },
  init({ config, services: { counters, directory, clock }, log }) {
    const calendar = new Calendar(config.time_zone);
    const allowances = new Allowances({ calendar, directory, networks: config.networks });
    /** What open transactions hold: renewed while they last. Core settles or releases it in the end. */
    const held = new Map<Transaction, Reservation[]>();

    const renewal = setInterval(async () => {
      try {
        for (const reservations of held.values()) await counters.renew(reservations);
      } catch (error) {
        log.warn({ err: error }, 'reservations could not be renewed; they are made anew before the commit');
      }
    }, renewalMilliseconds);
    renewal.unref();

    const keep = (transaction: Transaction, allowance: Allowance, reserved: Reserved): Refusal | undefined => {
      if (!reserved.ok) {
        const { owner, window } = reserved.exceeded;
        const full = allowance.windows.find((other) => other.owner === owner && other.window === window);
        return full === undefined ? gone() : overQuota(full, allowance.overLimit);
      }
      transaction.reservations.push(reserved.reservation);
      const before = held.get(transaction);
      if (before === undefined) held.set(transaction, [reserved.reservation]);
      else before.push(reserved.reservation);
      return undefined;
    };

    return {
      hooks: {
        rcptTo: {
          // Last, so that a recipient whom another plugin refuses is not counted.
          priority: 1_000,
          handler({ transaction }) {
            if (transaction.identity === null) return;
            const allowance = allowances.of(transaction.identity, clock.now());
            if (allowance === undefined) return gone();
            if (allowance.windows.length === 0) return;
            const reserved = counters.reserve(allowance.windows, 1);
            return reserved instanceof Promise
              ? reserved.then((answer) => keep(transaction, allowance, answer))
              : keep(transaction, allowance, reserved);
          },
        },
        transactionEnd({ transaction }) {
          held.delete(transaction);
        },
      },
      close() {
        clearInterval(renewal);
      },
    };
  },
});
