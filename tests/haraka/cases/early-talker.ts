import { known } from '../harness/clients.ts';
import type { PluginCases } from '../harness/plugin-cases.ts';
import { wholeSession } from '../harness/session.ts';

export const earlyTalker: PluginCases = {
  plugin: 'early_talker',
  setups: [
    {
      name: 'refusing',
      files: () => ({ 'early_talker.ini': '[main]\npause=1\n[ip_whitelist]\n45.33.12.99\n' }),
      cases: [
        {
          name: 'throws out who talks too soon, when the message comes',
          client: known,
          slow: 900,
          script: [{ early: 'NOOP\r\n' }, { write: '', replies: 1 }, ...wholeSession()],
        },
        { name: 'lets the patient one wait, twice', client: known, slow: 900, script: wholeSession() },
        {
          name: 'does not try a listed client',
          client: '45.33.12.99',
          slow: 900,
          script: ['EHLO client.example.org', 'QUIT'],
        },
        { name: 'does not try a private address', slow: 900, script: ['EHLO client.example.org', 'QUIT'] },
      ],
    },
    {
      name: 'judging',
      files: () => ({ 'early_talker.ini': '[main]\npause=1\nreject=false\n' }),
      cases: [
        {
          name: 'notes who talks too soon',
          client: known,
          slow: 900,
          script: [{ early: 'NOOP\r\n' }, { write: '', replies: 1 }, ...wholeSession()],
        },
      ],
    },
  ],
};
