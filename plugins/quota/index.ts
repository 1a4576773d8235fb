import { definePlugin, type Refusal, services, type Transaction } from '../../core/pipeline/plugin.ts';
import type { Reserved } from '../../core/storage/ports/counters.ts';
import { type Allowance, Allowances } from './allowances.ts';
import { Calendar } from './calendar.ts';
import { configSchema } from './config.ts';
import { HeldReservations } from './held-reservations.ts';
import { gone, overQuota } from './refusal.ts';

type Now<T> = T | Promise<T>;

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
    const held = new HeldReservations(counters, log);

    const judge = (transaction: Transaction, allowance: Allowance, reserved: Reserved): Now<Refusal | undefined> => {
      if (!reserved.ok) {
        const { owner, window } = reserved.exceeded;
        const full = allowance.windows.find((other) => other.owner === owner && other.window === window);
        return full === undefined ? gone() : overQuota(full, allowance.overLimit);
      }
      const kept = held.keep(transaction, reserved.reservation);
      return kept instanceof Promise ? kept.then(() => undefined) : undefined;
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
              ? reserved.then((answer) => judge(transaction, allowance, answer))
              : judge(transaction, allowance, reserved);
          },
        },
        data: ({ transaction }) => held.fit(transaction),
        transactionEnd: ({ transaction }) => held.end(transaction),
      },
      close: () => held.close(),
    };
  },
});
