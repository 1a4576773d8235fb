import { known } from '../harness/clients.ts';
import type { PluginCases } from '../harness/plugin-cases.ts';
import { plainMessage, type Step } from '../harness/session.ts';
import { certificateFiles } from '../harness/tls-files.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const plain = (username: string, password: string): string => `AUTH PLAIN ${base64(`\0${username}\0${password}`)}`;
const outwards: Step[] = [
  'MAIL FROM:<me@example.org>',
  'RCPT TO:<user@elsewhere.test>',
  { data: plainMessage() },
  'QUIT',
];

export const authFlatFile: PluginCases = {
  plugin: 'auth/flat_file',
  needs: ['openssl'],
  setups: [
    {
      files: () => ({
        'auth_flat_file.ini':
          '[core]\nmethods=PLAIN,LOGIN,CRAM-MD5\n[users]\nme@example.org=secret\nplain=word\nu=p=q\n',
      }),
      cases: [
        { name: 'PLAIN', script: ['EHLO client.example.org', plain('me@example.org', 'secret'), ...outwards] },
        {
          name: 'PLAIN in two lines',
          script: ['EHLO client.example.org', 'AUTH PLAIN', base64('\0plain\0word'), ...outwards],
        },
        {
          name: 'LOGIN',
          script: ['EHLO client.example.org', 'AUTH LOGIN', base64('plain'), base64('word'), ...outwards],
        },
        {
          name: 'LOGIN with the name in the first line',
          script: ['EHLO client.example.org', `auth login ${base64('plain')}`, base64('word'), 'QUIT'],
        },
        {
          name: 'CRAM-MD5',
          script: ['EHLO client.example.org', { cramMd5: { username: 'plain', password: 'word' } }, ...outwards],
        },
        {
          name: 'a wrong password is answered late, a second one later',
          slow: 900,
          script: [
            'EHLO client.example.org',
            plain('me@example.org', 'wrong'),
            { cramMd5: { username: 'nobody', password: 'word' } },
            plain('me@example.org', 'secret'),
            ...outwards,
          ],
        },
        {
          name: 'a sender of another domain than the login',
          script: [
            'EHLO client.example.org',
            plain('me@example.org', 'secret'),
            'MAIL FROM:<me@example.net>',
            'MAIL FROM:<me@sub.example.org>',
            'QUIT',
          ],
        },
        {
          name: 'commands that are none of its own',
          script: [
            'EHLO client.example.org',
            'AUTH GSSAPI',
            'AUTH',
            'AUTH PLAIN AAAA',
            'AUTH LOGIN',
            'AUTH PLAIN',
            'QUIT',
          ],
        },
        {
          name: 'mail for us without a login, as before',
          script: [
            'EHLO client.example.org',
            'MAIL FROM:<a@example.org>',
            'RCPT TO:<user@example.com>',
            'RCPT TO:<user@elsewhere.test>',
            'QUIT',
          ],
        },
      ],
    },
    {
      name: 'behind xclient and tls',
      before: ['xclient', 'tls'],
      files: async () => ({
        ...(await certificateFiles()),
        'auth_flat_file.ini': '[core]\nmethods=PLAIN\n[users]\nplain=word\n',
      }),
      cases: [
        {
          name: 'is offered to a public client over TLS only',
          script: [
            'EHLO proxy.example.org',
            `XCLIENT ADDR=${known} NAME=mail.example.org`,
            'EHLO client.example.org',
            { startTls: true },
            'EHLO client.example.org',
            plain('plain', 'word'),
            ...outwards,
          ],
        },
      ],
    },
  ],
};
