import { clientNames, generic, known, mismatched } from '../harness/clients.ts';
import type { PluginCases } from '../harness/plugin-cases.ts';
import { message, plainMessage, wholeSession } from '../harness/session.ts';

const from = (header: string): string =>
  message([header, 'Date: Mon, 30 Nov 2026 10:00:00 +0000', 'Message-ID: <1@example.org>']);

export const access: PluginCases = {
  plugin: 'access',
  dns: clientNames,
  setups: [
    {
      files: () => ({
        'access.ini': '[check]\nany=true\nconn=true\nmail=true\nrcpt=true\n[deny_msg]\nrcpt=is not for you\n',
        'connect.rdns_access.blacklist': `${generic}\n`,
        'connect.rdns_access.blacklist_regex': '.*\\.example\\.net\n',
        'mail_from.access.blacklist': 'spammer@example.org\n',
        'mail_from.access.blacklist_regex': 'bulk-.*@example\\.org\n',
        'mail_from.access.whitelist': 'bulk-allowed@example.org\n',
        'rcpt_to.access.blacklist': 'closed@example.com\n',
        'access.domains': 'unwelcome.org\n!friend@unwelcome.org\n',
      }),
      cases: [
        {
          name: 'disconnects a listed address',
          client: generic,
          script: ['EHLO client.example.org', 'QUIT'],
        },
        { name: 'disconnects a client whose name matches', client: mismatched, script: ['QUIT'] },
        { name: 'lets another client in, and says so in the results', client: known, script: wholeSession() },
        {
          name: 'refuses a greeting of a listed domain',
          client: known,
          script: ['EHLO mail.unwelcome.org', 'MAIL FROM:<a@example.org>', 'HELO mail.unwelcome.org', 'QUIT'],
        },
        {
          name: 'refuses listed senders, not those that are on the other list, too',
          script: [
            'EHLO client.example.org',
            'MAIL FROM:<Spammer@Example.org>',
            'MAIL FROM:<bulk-1@example.org>',
            'MAIL FROM:<bulk-allowed@example.org>',
            'RSET',
            'MAIL FROM:<other@unwelcome.org>',
            'MAIL FROM:<friend@unwelcome.org>',
            'RSET',
            'MAIL FROM:<>',
            'QUIT',
          ],
        },
        {
          name: 'refuses a listed recipient in words of the configuration',
          script: [
            'EHLO client.example.org',
            'MAIL FROM:<sender@example.org>',
            'RCPT TO:<closed@example.com>',
            'RCPT TO:<user@example.com>',
            { data: plainMessage() },
            'QUIT',
          ],
        },
        {
          name: 'refuses a message whose From is of a listed domain',
          script: wholeSession({ message: from('From: "A" <a@news.unwelcome.org>') }),
        },
        {
          name: 'notes a message whose From says nothing',
          script: wholeSession({ message: from('From: nobody at all') }),
        },
      ],
    },
  ],
};
