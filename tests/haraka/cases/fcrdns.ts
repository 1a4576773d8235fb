import { clientNames, generic, known, mismatched, nameless } from '../harness/clients.ts';
import type { PluginCases } from '../harness/plugin-cases.ts';
import { dated, message, wholeSession } from '../harness/session.ts';

const odd = '45.33.12.20';
const trouble = '45.33.12.21';

export const fcrdns: PluginCases = {
  plugin: 'fcrdns',
  dns: {
    ...clientNames,
    '20.12.33.45.in-addr.arpa': { PTR: ['mail.example.invalidtld'] },
    '21.12.33.45.in-addr.arpa': 'servfail',
  },
  setups: [
    {
      name: 'judging',
      cases: [
        {
          name: 'writes the name of a client above the header',
          client: known,
          script: wholeSession({
            message: message([...dated, 'X-Haraka-FCrDNS: forged', 'From: a@example.org']),
          }),
        },
        { name: 'writes where the name leads', client: mismatched, script: wholeSession() },
        { name: 'notes a client without a name', client: nameless, script: wholeSession() },
        { name: 'skips private addresses', script: ['EHLO client.example.org', 'QUIT'] },
      ],
    },
    {
      name: 'refusing',
      files: () => ({
        'fcrdns.ini': '[reject]\nno_rdns=true\nno_fcrdns=true\ninvalid_tld=true\ngeneric_rdns=true\n',
      }),
      cases: [
        { name: 'no name', client: nameless, script: ['EHLO client.example.org', 'QUIT'] },
        { name: 'a name that leads elsewhere', client: mismatched, script: ['EHLO client.example.org', 'QUIT'] },
        { name: 'a generic name', client: generic, script: ['EHLO client.example.org', 'QUIT'] },
        { name: 'a name that cannot be', client: odd, script: ['EHLO client.example.org', 'QUIT'] },
        { name: 'a name server in trouble', client: trouble, script: ['EHLO client.example.org', 'QUIT'] },
        { name: 'nothing, where all is right', client: known, script: ['EHLO client.example.org', 'QUIT'] },
      ],
    },
  ],
};
