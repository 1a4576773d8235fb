import { clientNames, known, nameless } from '../harness/clients.ts';
import type { PluginCases, Session } from '../harness/plugin-cases.ts';
import { plainMessage, wholeSession } from '../harness/session.ts';
import { publicRecord, signed } from '../harness/signed.ts';

/** Who was written to from here is known. */
const written: Session = {
  client: '127.0.0.1',
  script: wholeSession({ from: 'user@example.com', to: ['a@example.org', 'a@example.net', 'a@ignored.net'] }),
};

export const knownSenders: PluginCases = {
  plugin: 'known-senders',
  needs: ['redis-server'],
  services: ['redis'],
  dns: {
    ...clientNames,
    'example.org': { TXT: [`v=spf1 ip4:${nameless} -all`] },
    'test._domainkey.example.net': { TXT: [publicRecord] },
  },
  setups: [
    {
      before: ['relay', 'fcrdns', 'spf', 'dkim'],
      files: ({ redis }) => ({
        relay_acl_allow: '127.0.0.0/8\n',
        'redis.ini': `[server]\nhost=127.0.0.1\nport=${redis}\n`,
        'known-senders.ini': `[redis]\nport=${redis}\ndb=3\n[ignored_ods]\nignored.net\n`,
      }),
      cases: [
        {
          name: 'knows by its name a client that was written to',
          earlier: [written],
          client: known,
          script: wholeSession({ from: 'a@example.org' }),
        },
        {
          name: 'knows by SPF',
          client: nameless,
          script: wholeSession({ from: 'a@example.org', to: ['user@example.com', 'other@example.com'] }),
        },
        {
          name: 'knows by DKIM',
          client: '45.33.12.30',
          script: wholeSession({ from: 'a@example.net', message: signed(plainMessage(), 'example.net') }),
        },
        {
          name: 'does not know a stranger',
          client: '45.33.12.31',
          script: wholeSession({ from: 'a@stranger.net' }),
        },
        { name: 'ignores a domain', client: known, script: wholeSession({ from: 'a@ignored.net' }) },
      ],
    },
  ],
};
