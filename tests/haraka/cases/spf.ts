import { clientNames, known, nameless } from '../harness/clients.ts';
import type { DnsZone } from '../harness/dns-server.ts';
import type { PluginCases } from '../harness/plugin-cases.ts';
import { wholeSession } from '../harness/session.ts';

const dns: DnsZone = {
  ...clientNames,
  'pass.example.org': { TXT: [`v=spf1 ip4:${known} -all`] },
  'fail.example.org': { TXT: ['v=spf1 -all'] },
  'soft.example.org': { TXT: ['v=spf1 a:mail.example.org ~all'] },
  'none.example.org': { A: ['8.19.20.21'] },
  'broken.example.org': { TXT: ['v=spf1 include:a b c ?', 'v=spf1 -all'] },
  'include.example.org': { TXT: ['v=spf1 include:pass.example.org -all'] },
  'trouble.example.org': 'servfail',
};

export const spf: PluginCases = {
  plugin: 'spf',
  dns,
  setups: [
    {
      name: 'judging',
      cases: [
        {
          name: 'writes a pass into the header',
          client: known,
          script: wholeSession({ helo: 'pass.example.org', from: 'a@include.example.org' }),
        },
        {
          name: 'writes a fail into the header, and accepts',
          client: nameless,
          script: wholeSession({ helo: 'none.example.org', from: 'a@fail.example.org' }),
        },
        {
          name: 'takes the greeting for the null sender',
          client: known,
          script: wholeSession({ helo: 'pass.example.org', from: '' }),
        },
        { name: 'skips a private address', script: ['EHLO pass.example.org', 'QUIT'] },
      ],
    },
    {
      name: 'refusing',
      files: () => ({
        'spf.ini':
          '[defer]\nmfrom_temperror=true\n' +
          '[deny]\nmfrom_fail=true\nmfrom_softfail=true\nmfrom_none=true\nmfrom_permerror=true\nhelo_fail=true\n',
      }),
      cases: [
        {
          name: 'refuses what the domain does not permit',
          client: nameless,
          script: [
            'EHLO none.example.org',
            'MAIL FROM:<a@fail.example.org>',
            'MAIL FROM:<a@soft.example.org>',
            'MAIL FROM:<a@none.example.org>',
            'MAIL FROM:<a@broken.example.org>',
            'QUIT',
          ],
        },
        {
          name: 'puts off what it cannot find out',
          client: nameless,
          script: ['EHLO none.example.org', 'MAIL FROM:<a@trouble.example.org>', 'QUIT'],
        },
        {
          name: 'refuses the null sender of a greeting that the domain does not permit',
          client: nameless,
          script: ['EHLO fail.example.org', 'MAIL FROM:<>', 'QUIT'],
        },
      ],
    },
  ],
};
