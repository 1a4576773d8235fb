import { clientNames, known } from '../harness/clients.ts';
import type { PluginCases } from '../harness/plugin-cases.ts';
import { wholeSession } from '../harness/session.ts';

export const xclient: PluginCases = {
  plugin: 'xclient',
  dns: clientNames,
  setups: [
    {
      cases: [
        {
          name: 'gives a client another address and name',
          script: [
            'EHLO proxy.example.org',
            `XCLIENT ADDR=${known} NAME=given.example.org PROTO=ESMTP`,
            ...wholeSession(),
          ],
        },
        {
          name: 'looks the name up where none is given',
          script: ['EHLO proxy.example.org', `XCLIENT ADDR=${known}`, ...wholeSession()],
        },
        {
          name: 'gives a greeting and a login',
          script: [
            'EHLO proxy.example.org',
            `XCLIENT ADDR=${known} NAME=[UNAVAILABLE] HELO=given.example.org LOGIN=me PROTO=SMTP`,
            'MAIL FROM:<a@example.org>',
            'RCPT TO:<user@example.com>',
            'QUIT',
          ],
        },
        {
          name: 'gives an IPv6 address',
          script: ['EHLO proxy.example.org', 'XCLIENT ADDR=IPV6:2600:3c00::7 NAME=six.example.org', ...wholeSession()],
        },
        {
          name: 'refuses what it does not understand, and the second client',
          script: [
            'EHLO proxy.example.org',
            'XCLIENT',
            'XCLIENT ADDR=nonsense',
            'XCLIENT NAME=only.example.org',
            `XCLIENT ADDR=${known} NAME=one.example.org`,
            'XCLIENT ADDR=127.0.0.1 NAME=two.example.org',
            'QUIT',
          ],
        },
        {
          name: 'refuses it in a transaction',
          script: [
            'EHLO proxy.example.org',
            'MAIL FROM:<a@example.org>',
            `XCLIENT ADDR=${known}`,
            'RCPT TO:<user@example.com>',
            'QUIT',
          ],
        },
      ],
    },
    {
      name: 'before plugins that judge the client',
      after: ['helo.checks', 'access', 'relay'],
      files: () => ({
        'connect.rdns_access.blacklist': '45.33.12.66\n',
        relay_acl_allow: '45.33.12.67/32\n',
        'helo.checks.ini': '[reject]\nvalid_hostname=true\n',
      }),
      cases: [
        {
          name: 'is judged anew, and disconnected',
          script: ['EHLO proxy', 'XCLIENT ADDR=45.33.12.66 NAME=bad.example.org', 'QUIT'],
        },
        {
          name: 'may not relay because another might',
          script: [
            'EHLO proxy.example.org',
            'XCLIENT ADDR=45.33.12.67 NAME=good.example.org',
            'EHLO localhost',
            'EHLO good.example.org',
            'MAIL FROM:<a@example.org>',
            'RCPT TO:<user@elsewhere.test>',
            'QUIT',
          ],
        },
      ],
    },
  ],
};
