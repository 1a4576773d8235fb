import type { PluginCases } from '../harness/plugin-cases.ts';
import { dated, message, plainMessage, wholeSession } from '../harness/session.ts';

export const recordEnvelopeAddresses: PluginCases = {
  plugin: 'record_envelope_addresses',
  setups: [
    {
      cases: [
        { name: 'one recipient', script: wholeSession() },
        {
          name: 'several recipients, one of them refused',
          script: wholeSession({ from: 'Me@Example.org', to: ['a@example.com', 'b@elsewhere.test', 'C@example.com'] }),
        },
        { name: 'the null sender', script: wholeSession({ from: '' }) },
        {
          name: 'a second transaction has only its own',
          script: [
            'EHLO client.example.org',
            'MAIL FROM:<one@example.org>',
            'RCPT TO:<a@example.com>',
            'RSET',
            'MAIL FROM:<two@example.org>',
            'RCPT TO:<b@example.com>',
            { data: message([...dated, 'X-Envelope-To: forged@example.org', 'From: a@example.org'], '') },
            'MAIL FROM:<three@example.org>',
            'RCPT TO:<c@example.com>',
            { data: plainMessage() },
            'QUIT',
          ],
        },
      ],
    },
  ],
};
