import { known, nameless } from '../harness/clients.ts';
import type { PluginCases } from '../harness/plugin-cases.ts';
import { plainMessage, wholeSession } from '../harness/session.ts';

const action = (name: string): string => JSON.stringify({ action: name });

export const relay: PluginCases = {
  plugin: 'relay',
  setups: [
    {
      name: 'by address',
      files: () => ({ relay_acl_allow: `${known}/32\n2600:3c00::/32 # a provider\n` }),
      cases: [
        {
          name: 'a listed client',
          client: known,
          script: wholeSession({ to: ['a@elsewhere.test', 'b@elsewhere.test'] }),
        },
        { name: 'a listed network', client: '2600:3c00::7', script: wholeSession({ to: ['a@elsewhere.test'] }) },
        {
          name: 'not another client',
          client: nameless,
          script: ['EHLO client.example.org', 'MAIL FROM:<sender@example.org>', 'RCPT TO:<a@elsewhere.test>', 'QUIT'],
        },
      ],
    },
    {
      name: 'by destination',
      files: () => ({
        'relay.ini': '[relay]\nacl=true\ndest_domains=true\n',
        relay_acl_allow: `${known}/32\n`,
        'relay_dest_domains.ini':
          `[domains]\naccepted.test=${action('accept')}\ncontinued.test=${action('continue')}\n` +
          `denied.test=${action('deny')}\n`,
      }),
      cases: [
        {
          name: 'each as it is listed',
          client: nameless,
          script: [
            'EHLO client.example.org',
            'MAIL FROM:<a@example.org>',
            'RCPT TO:<a@denied.test>',
            'RCPT TO:<a@unlisted.test>',
            'RCPT TO:<a@accepted.test>',
            'RCPT TO:<a@denied.test>',
            { data: plainMessage() },
            'MAIL FROM:<a@example.org>',
            'RCPT TO:<a@continued.test>',
            { data: plainMessage() },
            'MAIL FROM:<a@example.org>',
            'RCPT TO:<a@unlisted.test>',
            'QUIT',
          ],
        },
        { name: 'any, for a client that may relay', client: known, script: wholeSession({ to: ['a@unlisted.test'] }) },
      ],
    },
    {
      name: 'all',
      files: () => ({ 'relay.ini': '[relay]\nall=true\nacl=false\n' }),
      cases: [{ name: 'any recipient of anybody', script: wholeSession({ to: ['a@elsewhere.test'] }) }],
    },
    {
      name: 'by a route of its own',
      queue: 'plugins',
      files: ({ sink }) => ({
        relay_acl_allow: '127.0.0.1/32\n',
        'relay_dest_domains.ini': `[domains]\nany={"action":"continue","nexthop":"127.0.0.1:${sink}"}\n`,
      }),
      cases: [
        { name: 'leads to its next hop', mails: 1, script: wholeSession({ to: ['a@elsewhere.test'] }) },
        {
          name: 'leads recipients of one domain there together',
          mails: 1,
          script: wholeSession({ to: ['a@elsewhere.test', 'b@elsewhere.test'] }),
        },
      ],
    },
  ],
};
