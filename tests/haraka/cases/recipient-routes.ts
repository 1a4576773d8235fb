import type { PluginCases } from '../harness/plugin-cases.ts';
import { plainMessage, wholeSession } from '../harness/session.ts';

export const recipientRoutes: PluginCases = {
  plugin: 'recipient-routes',
  needs: ['redis-server'],
  services: ['redis'],
  setups: [
    {
      name: 'of a file',
      files: () => ({
        'rcpt_to.routes.ini':
          '[redis]\nenabled=false\n[routes]\nOne@listed.test=192.168.76.66\nwhole.test=127.0.0.1:26\n',
      }),
      cases: [
        { name: 'takes an address and a domain', script: wholeSession({ to: ['one@Listed.test', 'any@whole.test'] }) },
        {
          name: 'leaves the others',
          script: [
            'EHLO client.example.org',
            'MAIL FROM:<a@example.org>',
            'RCPT TO:<two@listed.test>',
            'RCPT TO:<postmaster>',
            'RCPT TO:<one@listed.test>',
            { data: plainMessage() },
            'QUIT',
          ],
        },
      ],
    },
    {
      name: 'of Redis',
      redisKeys: { 'kept@redis.test': '127.0.0.1:26', 'all.redis.test': 'smtp://127.0.0.1:26' },
      files: ({ redis }) => ({
        'redis.ini': `[server]\nhost=127.0.0.1\nport=${redis}\n`,
        'rcpt_to.routes.ini': `[redis]\nhost=127.0.0.1\nport=${redis}\nenabled=true\n[routes]\nfile.test=127.0.0.1\n`,
      }),
      cases: [
        {
          name: 'takes an address, a domain, and what the file has',
          script: wholeSession({ to: ['kept@redis.test', 'any@all.redis.test', 'x@file.test', 'x@none.test'] }),
        },
      ],
    },
    {
      name: 'of what goes out',
      queue: 'plugins',
      before: ['relay'],
      files: ({ sink }) => ({
        relay_acl_allow: '127.0.0.1/32\n',
        'relay.ini': '[relay]\nacl=true\nforce_routing=false\n',
        'rcpt_to.routes.ini': `[redis]\nenabled=false\n[routes]\nwhole.test=smtp://127.0.0.1:${sink}\n`,
      }),
      cases: [{ name: 'leads to its next hop', mails: 1, script: wholeSession({ to: ['any@whole.test'] }) }],
    },
  ],
};
