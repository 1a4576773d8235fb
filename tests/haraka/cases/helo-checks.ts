import { clientNames, generic, known, mismatched, nameless } from '../harness/clients.ts';
import type { PluginCases } from '../harness/plugin-cases.ts';
import type { Step } from '../harness/session.ts';

const greet = (...names: readonly string[]): Step[] => [...names.map((name) => `EHLO ${name}`), 'QUIT'];

export const heloChecks: PluginCases = {
  plugin: 'helo.checks',
  dns: { ...clientNames, 'elsewhere.example.org': { A: ['8.19.20.21'] } },
  setups: [
    {
      name: 'refusing',
      files: () => ({
        'helo.checks.ini':
          '[check]\nliteral_mismatch=1\n' +
          '[reject]\nmatch_re=true\nhost_mismatch=true\nproto_mismatch=true\nrdns_match=true\ndynamic=true\nbare_ip=true\n' +
          'literal_mismatch=true\nvalid_hostname=true\nforward_dns=true\nbig_company=true\n',
        'helo.checks.regexps': 'friend\\..*\n',
      }),
      cases: [
        { name: 'a pattern', client: known, script: greet('friend.example.org') },
        { name: 'a bare address', client: known, script: greet('45.33.12.7') },
        { name: 'the literal of another address', client: known, script: greet('[45.33.12.8]') },
        { name: 'a name without a dot', client: known, script: greet('localhost') },
        { name: 'a name that cannot be', client: known, script: greet('mail.example.invalidtld') },
        { name: 'a dynamic name', client: generic, script: greet('45-33-12-9.dsl.example.net') },
        { name: 'a name unlike its reverse', client: mismatched, script: greet('elsewhere.example.org') },
        { name: 'a big company without a reverse', client: nameless, script: greet('gmail.com') },
        {
          name: 'HELO after EHLO',
          client: known,
          script: ['EHLO mail.example.org', 'HELO mail.example.org', 'MAIL FROM:<a@example.org>', 'QUIT'],
        },
      ],
    },
    {
      name: 'judging',
      files: () => ({ 'helo.checks.ini': '[reject]\nhost_mismatch=false\nbig_company=false\n' }),
      cases: [
        { name: 'finds nothing against the right name', client: known, script: greet('mail.example.org') },
        { name: 'counts every fault', client: nameless, script: greet('yahoo.com', 'other') },
        { name: 'skips private addresses', client: '10.1.2.3', script: ['HELO whatever', 'QUIT'] },
      ],
    },
  ],
};
