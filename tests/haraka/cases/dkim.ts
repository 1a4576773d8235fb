import type { PluginCases } from '../harness/plugin-cases.ts';
import { dated, message, plainMessage, wholeSession } from '../harness/session.ts';
import { privateKey, publicRecord, signed } from '../harness/signed.ts';

const good = signed(plainMessage('signed', 'A body\n\n.with a dot\nand an end\n\n'), 'example.org');

export const dkim: PluginCases = {
  plugin: 'dkim',
  dns: {
    'test._domainkey.example.org': { TXT: [publicRecord] },
    'revoked._domainkey.example.org': { TXT: ['v=DKIM1; p='] },
  },
  setups: [
    {
      name: 'verifying',
      cases: [
        { name: 'a good signature', script: wholeSession({ message: good }) },
        { name: 'a changed body', script: wholeSession({ message: good.replace('A body', 'Another body') }) },
        {
          name: 'a changed subject',
          script: wholeSession({ message: good.replace('Subject: signed', 'Subject: sent') }),
        },
        { name: 'a key that is missing', script: wholeSession({ message: signed(plainMessage(), 'example.net') }) },
        {
          name: 'a key that was revoked',
          script: wholeSession({ message: signed(plainMessage(), 'example.org', 'revoked') }),
        },
        { name: 'two signatures', script: wholeSession({ message: signed(good, 'example.net') }) },
        { name: 'none', script: wholeSession() },
      ],
    },
    {
      name: 'signing',
      before: ['relay'],
      files: () => ({
        relay_acl_allow: '127.0.0.0/8\n',
        'dkim.ini':
          '[sign]\nenabled=true\nselector=mail\ndomain=default.example\nheaders=From,Subject,Date,To\n' +
          '[verify]\nenabled=false\n',
        'dkim.private.key': privateKey,
        'dkim/example.org/private': privateKey,
        'dkim/example.org/selector': 'own\n',
      }),
      cases: [
        { name: 'with the key of the sender', script: wholeSession({ to: ['user@elsewhere.test'] }) },
        {
          name: 'with the default key',
          script: wholeSession({
            from: 'a@unknown.example',
            message: message(
              [...dated, 'From: a@unknown.example', 'Subject: no  key\r\n\tof its own'],
              '\n\nA body\n\n\n',
            ),
          }),
        },
        {
          name: 'with the key of a parent domain',
          script: wholeSession({
            message: message([...dated, 'From: <a@deep.down.example.org>', 'To: b@elsewhere.test'], ''),
          }),
        },
      ],
    },
  ],
};
