import { known, nameless } from '../harness/clients.ts';
import type { PluginCases, Surroundings } from '../harness/plugin-cases.ts';
import { plainMessage } from '../harness/session.ts';

const files =
  (limits: string) =>
  ({ redis }: Surroundings) => ({
    'redis.ini': `[server]\nhost=127.0.0.1\nport=${redis}\n`,
    'limit.ini': `${limits}\n[redis]\nport=${redis}\ndatabase=4\n`,
  });

export const limit: PluginCases = {
  plugin: 'limit',
  needs: ['redis-server'],
  services: ['redis'],
  setups: [
    {
      name: 'of a session',
      files: files('tarpit_delay=0\n[recipients]\nenabled=true\nmax=2\n[unrecognized_commands]\nenabled=true\nmax=2\n'),
      cases: [
        {
          name: 'recipients',
          script: [
            'EHLO client.example.org',
            'MAIL FROM:<a@example.org>',
            'RCPT TO:<a@example.com>',
            'RCPT TO:<a@elsewhere.test>',
            'RCPT TO:<b@example.com>',
            'RCPT TO:<c@example.com>',
            { data: plainMessage() },
            'QUIT',
          ],
        },
        { name: 'unknown commands', script: ['EHLO client.example.org', 'FOO', 'BAR 1 2', 'BAZ', 'QUIT'] },
      ],
    },
    {
      name: 'of errors',
      files: files('tarpit_delay=0\n[errors]\nenabled=true\nmax=2\n'),
      cases: [
        {
          name: 'unknown commands, at the next known one',
          script: ['EHLO client.example.org', 'FOO', 'BAR', 'BAZ', 'MAIL FROM:<a@example.org>', 'QUIT'],
        },
      ],
    },
    {
      name: 'of a rate',
      files: files(
        'tarpit_delay=1\n[rate_conn]\nenabled=true\ndefault=5/1h\n45.33.12.7=2/1h\n' +
          '[rate_rcpt]\nenabled=true\ndefault=5/1h\nfull@example.com=1/1h\n' +
          '[rate_rcpt_sender]\nenabled=true\ndefault=50/1h\nbusy.example.org=2/1h\n' +
          '[rate_rcpt_null]\nenabled=true\ndefault=1/1h\n[concurrency]\nenabled=true\nmax=3\n',
      ),
      cases: [
        { name: 'connections: the first', client: known, script: ['QUIT'] },
        { name: 'connections: the second', client: known, script: ['EHLO client.example.org', 'QUIT'] },
        {
          name: 'connections: the third is told to come back later, after a while',
          client: known,
          slow: 900,
          script: ['EHLO client.example.org', 'QUIT'],
        },
        {
          name: 'mail to a recipient',
          client: nameless,
          slow: 900,
          script: [
            'EHLO client.example.org',
            'MAIL FROM:<a@example.org>',
            'RCPT TO:<full@example.com>',
            'RSET',
            'MAIL FROM:<a@example.org>',
            'RCPT TO:<full@example.com>',
            'RCPT TO:<other@example.com>',
            'QUIT',
          ],
        },
        {
          name: 'recipients of a sender',
          slow: 900,
          script: [
            'EHLO client.example.org',
            'MAIL FROM:<a@busy.example.org>',
            'RCPT TO:<a@example.com>',
            'RCPT TO:<b@example.com>',
            'RCPT TO:<c@example.com>',
            'QUIT',
          ],
        },
        {
          name: 'bounces to a recipient',
          slow: 900,
          script: [
            'EHLO client.example.org',
            'MAIL FROM:<>',
            'RCPT TO:<bounced@example.com>',
            'RSET',
            'MAIL FROM:<>',
            'RCPT TO:<bounced@example.com>',
            'QUIT',
          ],
        },
      ],
    },
  ],
};
