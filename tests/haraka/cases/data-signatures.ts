import type { PluginCases } from '../harness/plugin-cases.ts';
import { dated, message, plainMessage, wholeSession } from '../harness/session.ts';

const mixed = message(
  ['From: a@example.org', ...dated, 'MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary="b"'],
  [
    'preamble',
    '--b',
    'Content-Type: text/plain',
    '',
    'nothing here',
    '--b',
    'Content-Type: multipart/alternative; boundary=c',
    '',
    '--c',
    'Content-Type: text/html; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    '',
    Buffer.from('<p>buy cheap watches today</p>').toString('base64'),
    '--c--',
    '--b--',
  ].join('\n'),
);

const quoted = message(
  [
    'From: a@example.org',
    'MIME-Version: 1.0',
    'Content-Type: text/plain',
    'Content-Transfer-Encoding: quoted-printable',
  ],
  'buy cheap=\n watches',
);

export const dataSignatures: PluginCases = {
  plugin: 'data.signatures',
  setups: [
    {
      files: () => ({ 'data.signatures': 'cheap watches\nan unlikely string\n' }),
      cases: [
        { name: 'in a plain body', script: wholeSession({ message: plainMessage('x', 'Buy cheap watches.') }) },
        { name: 'in a part within a part, encoded', script: wholeSession({ message: mixed }) },
        { name: 'across a soft line break', script: wholeSession({ message: quoted }) },
        {
          name: 'refused, and the next transaction taken',
          script: [
            ...wholeSession({ message: plainMessage('x', 'an unlikely string') }).slice(0, -1),
            ...wholeSession({ message: plainMessage('x', 'a likely string') }).slice(1),
          ],
        },
      ],
    },
  ],
};
