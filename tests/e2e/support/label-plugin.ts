import { z } from 'zod';
import { definePlugin, reject, reply } from '../../../core/pipeline/plugin.ts';

declare module '../../../core/domain/notes.ts' {
  interface TransactionNotes {
    label?: string;
  }
}

/** Shows which configuration judged: in a reply, in a header, and in whether two hooks of a transaction were the same. */
export default definePlugin({
  name: 'label',
  version: '1.0.0',
  contract: 1,
  summary: 'Says its label in replies and headers',
  roles: ['smtp', 'worker'],
  config: z.strictObject({ label: z.string().default('none'), fails_in: z.enum(['smtp', 'worker']).optional() }),
  needs: {},
  init({ config: { label, fails_in: failsIn }, role }) {
    if (failsIn === role) throw new Error(`told to fail in ${role}`);
    if (role === 'worker') return { hooks: {} };
    return {
      hooks: {
        mailFrom({ transaction }) {
          transaction.notes.label = label;
        },
        rcptTo({ recipient }) {
          if (recipient.local === 'label') return reject(reply(550, '5.7.1', `label is ${label}`));
          return undefined;
        },
        message({ transaction, message }) {
          message.headers.prepend('X-Label', `${transaction.notes.label} ${label}`);
        },
      },
    };
  },
});
