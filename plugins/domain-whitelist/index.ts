import { defer, definePlugin, type Refusal, reject, reply, services } from '../../core/pipeline/plugin.ts';
import { configSchema } from './config.ts';
import { authorDomains } from './header-authors.ts';
import { bindingOf, type SenderPolicy } from './sender-policy.ts';

/** The allowed domains as a refusal names them; long lists are cut. */
const listed = (policy: SenderPolicy): string => {
  const shown = policy.domains.slice(0, 3).join(', ');
  const more = policy.domains.length - 3;
  return more > 0 ? `${shown} and ${more} more` : shown;
};

const refuse = (what: string, policy: SenderPolicy): Refusal =>
  reject(reply(550, '5.7.1', `${what}; this login may send only from ${listed(policy)}`));

const unknown = (): Refusal => defer(reply(451, '4.7.1', 'your login is no longer known; log in again'));

export const plugin = definePlugin({
  name: 'domain-whitelist',
  version: '1.0.0',
  contract: 1,
  summary: 'Logins send only from their own domains: envelope sender and every From and Sender header',
  roles: ['smtp'],
  config: configSchema,
  needs: { directory: services.directory },
  init({ config, services: { directory } }) {
    return {
      hooks: {
        mailFrom({ transaction, sender }) {
          const binding = bindingOf(transaction.identity, directory, config.subdomains);
          if (binding === 'free') return;
          if (binding === 'unknown') return unknown();
          if (sender === null) {
            return config.null_sender ? undefined : refuse('the null sender <> is not allowed for this login', binding);
          }
          return binding.allows(sender.domain) ? undefined : refuse(`${sender.text} is not an allowed sender`, binding);
        },
        message: {
          // Late, so that fields which other plugins add or change are looked at, too.
          priority: 1_000,
          handler({ transaction, message }) {
            const binding = bindingOf(transaction.identity, directory, config.subdomains);
            if (binding === 'free') return;
            if (binding === 'unknown') return unknown();
            if (message.headers.get('From') === undefined) {
              return refuse('the message has no From header that can be read', binding);
            }
            for (const name of ['From', 'Sender']) {
              for (const value of message.headers.all(name)) {
                const domains = authorDomains(value);
                if (domains === null) {
                  return refuse(
                    `the ${name} header cannot be read without doubt; write it as Name <user@domain>`,
                    binding,
                  );
                }
                const foreign = domains.find((domain) => !binding.allows(domain));
                if (foreign !== undefined) return refuse(`the ${name} header names ${foreign}`, binding);
              }
            }
            return;
          },
        },
      },
    };
  },
});
