import type { PluginCases } from '../harness/plugin-cases.ts';
import { plainMessage, wholeSession } from '../harness/session.ts';

export const tarpit: PluginCases = {
  plugin: 'tarpit',
  setups: [
    {
      name: 'at every hook',
      before: ['tarpit_notes'],
      cases: [
        { name: 'a transaction, to its end', slow: 900, script: wholeSession({ from: 'slow@example.org' }) },
        {
          name: 'also its other commands',
          slow: 900,
          script: [
            'EHLO client.example.org',
            'MAIL FROM:<slow@example.org>',
            'NOOP',
            'VRFY a',
            'FOO',
            'RSET',
            'NOOP',
            'QUIT',
          ],
        },
      ],
    },
    {
      name: 'at two hooks',
      before: ['tarpit_notes'],
      files: () => ({ 'tarpit.ini': 'hooks_to_delay=rcpt,data\n' }),
      cases: [
        {
          name: 'a connection',
          slow: 900,
          script: [
            'EHLO client.example.org',
            'MAIL FROM:<slowest@example.org>',
            'RCPT TO:<user@example.com>',
            { data: plainMessage() },
            'MAIL FROM:<other@example.org>',
            'RCPT TO:<user@example.com>',
            'QUIT',
          ],
        },
      ],
    },
  ],
};
