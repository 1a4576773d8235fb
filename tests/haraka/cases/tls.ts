import { known } from '../harness/clients.ts';
import type { PluginCases } from '../harness/plugin-cases.ts';
import { plainMessage, wholeSession } from '../harness/session.ts';
import { certificateFiles } from '../harness/tls-files.ts';

export const tls: PluginCases = {
  plugin: 'tls',
  needs: ['openssl'],
  setups: [
    {
      files: async () => ({
        ...(await certificateFiles()),
        'tls.ini': '[no_tls_hosts]\n45.33.12.0/24\n',
      }),
      cases: [
        {
          name: 'takes a message over TLS',
          script: ['EHLO client.example.org', { startTls: true }, ...wholeSession()],
        },
        { name: 'offers it, and does not insist', script: wholeSession() },
        {
          name: 'forgets the greeting and the transaction of before',
          script: [
            'EHLO client.example.org',
            'MAIL FROM:<a@example.org>',
            { startTls: true },
            'MAIL FROM:<a@example.org>',
            'EHLO client.example.org',
            'RCPT TO:<user@example.com>',
            'STARTTLS',
            'QUIT',
          ],
        },
        {
          name: 'drops what came in clear behind the command',
          script: [
            'EHLO client.example.org',
            { startTls: true, behind: 'MAIL FROM:<injected@example.org>\r\nRCPT TO:<user@example.com>\r\n' },
            'EHLO client.example.org',
            'RCPT TO:<user@example.com>',
            'QUIT',
          ],
        },
        {
          name: 'pipelines over TLS',
          script: [
            'EHLO client.example.org',
            { startTls: true },
            'EHLO client.example.org',
            { pipeline: ['MAIL FROM:<a@example.org>', 'RCPT TO:<user@example.com>', 'RCPT TO:<b@elsewhere.test>'] },
            { data: plainMessage() },
            'QUIT',
          ],
        },
        {
          name: 'leaves in the middle of the handshake',
          script: ['EHLO client.example.org', 'STARTTLS', { leave: 'reset' }],
        },
      ],
    },
    {
      name: 'behind xclient',
      before: ['xclient'],
      files: async () => ({ ...(await certificateFiles()), 'tls.ini': '[no_tls_hosts]\n45.33.12.0/24\n' }),
      cases: [
        {
          name: 'is not offered to a listed client',
          script: [
            'EHLO proxy.example.org',
            `XCLIENT ADDR=${known} NAME=mail.example.org`,
            'EHLO client.example.org',
            'QUIT',
          ],
        },
      ],
    },
  ],
};
