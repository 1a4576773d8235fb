import type { PluginCases } from '../harness/plugin-cases.ts';
import { plainMessage, wholeSession } from '../harness/session.ts';

export const recipientRoutes: PluginCases = {
  plugin: 'recipient-routes',
  needs: ['redis-server'],
  services: ['redis'],
  setups: [
    {
      name: 'of a file',
      files: ({ sink }) => ({
        'rcpt_to.routes.ini': `[redis]\nenabled=false\n[routes]\nOne@listed.test=127.0.0.1:${sink}\nwhole.test=smtp://127.0.0.1:${sink}\n`,
      }),
      cases: [
        { name: 'takes an address', script: wholeSession({ to: ['one@Listed.test'] }) },
        { name: 'takes a domain', script: wholeSession({ to: ['any@whole.test', 'other@whole.test'] }) },
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
      redisKeys: ({ sink }) => ({
        'kept@redis.test': `127.0.0.1:${sink}`,
        'all.redis.test': `smtp://127.0.0.1:${sink}`,
      }),
      files: ({ redis, sink }) => ({
        'redis.ini': `[server]\nhost=127.0.0.1\nport=${redis}\n`,
        'rcpt_to.routes.ini': `[redis]\nhost=127.0.0.1\nport=${redis}\nenabled=true\n[routes]\nfile.test=127.0.0.1:${sink}\n`,
      }),
      cases: [
        { name: 'takes an address', script: wholeSession({ to: ['kept@redis.test'] }) },
        {
          name: 'takes a domain, and not another',
          script: wholeSession({ to: ['any@all.redis.test', 'x@none.test'] }),
        },
        { name: 'takes what the file has', script: wholeSession({ to: ['x@file.test'] }) },
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
