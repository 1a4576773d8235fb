import { clientNames, generic, known, mismatched, nameless } from '../harness/clients.ts';
import type { PluginCases } from '../harness/plugin-cases.ts';
import { type Step, wholeSession } from '../harness/session.ts';

const attempt = (from: string, to: string): Step[] => [
  'EHLO client.example.org',
  `MAIL FROM:<${from}>`,
  `RCPT TO:<${to}>`,
  'QUIT',
];

export const greylist: PluginCases = {
  plugin: 'greylist',
  needs: ['redis-server'],
  services: ['redis'],
  dns: clientNames,
  setups: [
    {
      before: ['fcrdns'],
      files: ({ redis }) => ({
        'redis.ini': `[server]\nhost=127.0.0.1\nport=${redis}\n`,
        'greylist.ini':
          `text = Come back later.\n[redis]\nport=${redis}\ndb=11\n[period]\nblack=1\ngrey=90\nwhite=900\n` +
          `[envelope_whitelist]\nfriend@example.org\n[ip_whitelist]\n${generic}\n` +
          '[recipient_whitelist]\npostmaster@example.com\n',
      }),
      cases: [
        { name: 'puts a stranger off', client: known, script: attempt('a@example.org', 'user@example.com') },
        {
          name: 'puts him off again at once, and takes him after a while',
          client: nameless,
          script: [
            ...attempt('a@example.org', 'user@example.com').slice(0, -1),
            'RSET',
            'MAIL FROM:<a@example.org>',
            'RCPT TO:<user@example.com>',
            'RSET',
            { pause: 2_600 },
            'MAIL FROM:<a@example.org>',
            'RCPT TO:<user@example.com>',
            'RCPT TO:<other@example.com>',
            'QUIT',
          ],
        },
        { name: 'knows him in the next session', client: nameless, script: wholeSession({ from: 'b@example.org' }) },
        {
          name: 'takes a listed sender',
          client: mismatched,
          script: attempt('friend@example.org', 'user@example.com'),
        },
        { name: 'takes a listed client', client: generic, script: attempt('a@example.org', 'user@example.com') },
        {
          name: 'takes a listed recipient, and who comes behind it',
          client: mismatched,
          script: [
            'EHLO client.example.org',
            'MAIL FROM:<a@example.org>',
            'RCPT TO:<user@example.com>',
            'RCPT TO:<postmaster@example.com>',
            'RCPT TO:<user@example.com>',
            'QUIT',
          ],
        },
        { name: 'takes a private address', script: attempt('a@example.org', 'user@example.com') },
      ],
    },
  ],
};
