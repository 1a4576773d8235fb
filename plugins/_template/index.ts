import { defer, definePlugin, reject, reply, services } from '../../core/pipeline/plugin.ts';
import { configSchema } from './config.ts';
import { heldPhrase } from './phrase-rule.ts';

declare module '../../core/domain/notes.ts' {
  interface TransactionNotes {
    /** When this plugin looked at the message, milliseconds since the epoch; stored with it. */
    template?: { readonly checkedAt: number };
  }
}

/** A plugin to copy: one rule in a file of its own, hooks that only ask it. */
export const plugin = definePlugin({
  name: 'template',
  version: '1.0.0',
  contract: 1,
  summary: 'Refuses messages by phrases in their subject',
  roles: ['smtp'],
  config: configSchema,
  needs: { clock: services.clock },
  init({ config, services: { clock }, log }) {
    const refuse = config.action === 'reject' ? reject : defer;
    const code = config.action === 'reject' ? 550 : 450;
    return {
      hooks: {
        message({ transaction, message }) {
          transaction.notes.template = { checkedAt: clock.now() };
          const phrase = heldPhrase(message.headers.get('Subject') ?? '', config.phrases);
          if (phrase === undefined) return;
          log.info({ id: transaction.id, phrase }, 'refused by its subject');
          const enhanced = `${String(code)[0]}.7.1`;
          return refuse(reply(code, enhanced, `The subject holds "${phrase}", which is not taken here; change it`));
        },
      },
    };
  },
});
