import { clientNames, generic, known, mismatched, nameless } from '../harness/clients.ts';
import type { DnsZone } from '../harness/dns-server.ts';
import type { PluginCases } from '../harness/plugin-cases.ts';
import { wholeSession } from '../harness/session.ts';

const listed = (address: string, list: string, answer: string): DnsZone => ({
  [`${address.split('.').reverse().join('.')}.${list}`]: { A: [answer] },
});

const dns: DnsZone = {
  ...clientNames,
  ...listed(generic, 'block.example.com', '127.0.0.2'),
  ...listed(mismatched, 'soft.example.com', '127.0.0.4'),
  ...listed(known, 'allow.example.com', '127.0.0.2'),
  ...listed(known, 'karma.example.com', '127.0.0.1'),
  ...listed(nameless, 'ips.backscatterer.org', '127.0.0.2'),
};

const files = (search: string) => () => ({
  'dns-list.ini':
    `[main]\nperiodic_checks=0\nsearch=${search}\n` +
    'zones=block.example.com,soft.example.com,allow.example.com,karma.example.com\n' +
    '[soft.example.com]\nreject=false\n127.0.0.4=looks like a home\n' +
    '[allow.example.com]\ntype=allow\n[karma.example.com]\ntype=karma\n' +
    '[ips.backscatterer.org]\nenable=true\n[list.dnswl.org]\nok_helo=true\nok_mail=true\n',
});

export const dnsList: PluginCases = {
  plugin: 'dns-list',
  dns,
  setups: [
    {
      files: files('all'),
      cases: [
        {
          name: 'answers everything of a listed client with the refusal',
          client: generic,
          script: ['EHLO client.example.org', 'MAIL FROM:<a@example.org>', 'nonsense', 'QUIT'],
        },
        { name: 'notes a list that refuses nobody', client: mismatched, script: wholeSession() },
        { name: 'notes an allowed client', client: known, script: wholeSession() },
        {
          name: 'asks about backscatter at the null sender only',
          client: nameless,
          script: ['EHLO client.example.org', 'MAIL FROM:<a@example.org>', 'RSET', 'MAIL FROM:<>', 'QUIT'],
        },
        { name: 'skips private addresses', script: ['EHLO client.example.org', 'QUIT'] },
      ],
    },
    {
      name: 'first answer',
      files: files('first'),
      cases: [{ name: 'refuses at once', client: generic, script: ['EHLO client.example.org', 'QUIT'] }],
    },
  ],
};
