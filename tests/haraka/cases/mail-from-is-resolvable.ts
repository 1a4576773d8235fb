import type { PluginCases } from '../harness/plugin-cases.ts';
import type { Step } from '../harness/session.ts';
import { wholeSession } from '../harness/session.ts';

const from = (...domains: readonly string[]): Step[] => [
  'EHLO client.example.org',
  ...domains.map((domain) => `MAIL FROM:<a@${domain}>`),
  'QUIT',
];

export const mailFromIsResolvable: PluginCases = {
  plugin: 'mail_from.is_resolvable',
  dns: {
    'good.example.org': { MX: [[10, 'mx.example.org']] },
    'mx.example.org': { A: ['8.19.20.21'] },
    'implicit.example.org': { A: ['8.19.20.22'] },
    'null.example.org': { MX: [[0, '']] },
    'local.example.org': { MX: [[10, 'localhost.example.org']] },
    'localhost.example.org': { A: ['127.0.0.1'] },
    'dead.example.org': { MX: [[10, 'gone.example.org']] },
    'trouble.example.org': 'servfail',
  },
  setups: [
    {
      cases: [
        { name: 'accepts a domain with an MX', script: wholeSession({ from: 'a@good.example.org' }) },
        { name: 'judges a domain with an address only', script: from('implicit.example.org') },
        { name: 'refuses a domain that does not exist', script: from('missing.example.org') },
        { name: 'refuses a domain that takes no mail', script: from('null.example.org') },
        { name: 'refuses exchanges that lead nowhere', script: from('local.example.org', 'dead.example.org') },
        { name: 'puts off what the name server cannot say', script: from('trouble.example.org') },
        { name: 'skips the null sender', script: wholeSession({ from: '' }) },
      ],
    },
    {
      name: 'deferring',
      files: () => ({ 'mail_from.is_resolvable.ini': '[main]\nallow_mx_ip=true\n[reject]\nno_mx=defer\n' }),
      cases: [
        { name: 'puts off a domain that does not exist', script: from('missing.example.org') },
        { name: 'accepts a domain with an address only', script: from('implicit.example.org') },
      ],
    },
  ],
};
