import type { PluginCases } from '../harness/plugin-cases.ts';
import { wholeSession } from '../harness/session.ts';
import { certificateFiles } from '../harness/tls-files.ts';

/** It does nothing for itself: `redis_user` and `tls` work with the connection that it shares. */
export const redis: PluginCases = {
  plugin: 'redis',
  needs: ['redis-server', 'openssl'],
  services: ['redis'],
  setups: [
    {
      name: 'shared with a plugin of the site',
      after: ['redis_user'],
      redisKeys: () => ({ setting: 'a value' }),
      files: ({ redis: port }) => ({ 'redis.ini': `[server]\nhost=127.0.0.1\nport=${port}\n` }),
      cases: [
        { name: 'reads what is kept there', script: wholeSession() },
        {
          name: 'counts across sessions',
          script: ['EHLO client.example.org', 'MAIL FROM:<n@example.org>', 'RSET', 'MAIL FROM:<n@example.org>', 'QUIT'],
        },
        { name: 'and goes on counting', script: ['EHLO client.example.org', 'MAIL FROM:<n@example.org>', 'QUIT'] },
        {
          name: 'knows a recipient again, which gives it leave',
          script: [
            'EHLO client.example.org',
            'MAIL FROM:<a@example.org>',
            'RCPT TO:<new@elsewhere.test>',
            'RCPT TO:<new@elsewhere.test>',
            'QUIT',
          ],
        },
      ],
    },
    {
      name: 'shared with tls',
      after: ['tls'],
      redisKeys: () => ({ 'no_tls|127.0.0.1': 'before' }),
      files: async ({ redis: port }) => ({
        ...(await certificateFiles()),
        'redis.ini': `[server]\nhost=127.0.0.1\nport=${port}\n`,
        'tls.ini': '[redis]\ndisable_for_failed_hosts=true\n',
      }),
      cases: [
        {
          name: 'keeps STARTTLS from a client that failed at it',
          script: ['EHLO client.example.org', 'STARTTLS', 'QUIT'],
        },
      ],
    },
  ],
};
