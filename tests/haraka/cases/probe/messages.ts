import type { PlannedGroups } from '../../harness/describe-planned.ts';
import type { PlannedAnswer, PlannedCase } from '../../harness/planned.ts';
import { message, plainMessage } from '../../harness/session.ts';

type ReadonlyStep = readonly [path: string, ...unknown[]];

const head = [
  'From: Sender <sender@example.org>',
  'To: Recipient <user@example.com>',
  'Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=',
  'Date: Mon, 30 Nov 2026 10:00:00 +0000',
  'Message-ID: <test-message@example.org>',
];
const twice = message([...head, 'X-Twice: one', 'X-Other: 1', 'x-twice: two', 'X-Folded: one', '\ttwo']);
const html = message([...head, 'MIME-Version: 1.0', 'Content-Type: text/html; charset=utf-8'], '<p>Hello.</p>');
const quoted = message(
  [...head, 'MIME-Version: 1.0', 'Content-Type: text/plain', 'Content-Transfer-Encoding: quoted-printable'],
  'Gr=C3=BC=C3=9Fe and a soft=\n break.',
);
const encoded = message(
  [...head, 'MIME-Version: 1.0', 'Content-Type: text/plain', 'Content-Transfer-Encoding: base64'],
  Buffer.from('Hello in base64.\r\n').toString('base64'),
);
const parts = message(
  [...head, 'MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary="outer"'],
  [
    'A preamble.',
    '--outer',
    'Content-Type: multipart/alternative; boundary="inner"',
    '',
    '--inner',
    'Content-Type: text/plain; charset=utf-8',
    '',
    'Hello.',
    '.dots',
    '--inner',
    'Content-Type: text/html',
    '',
    '<html><body><p>Hello.</p></body></html>',
    '--inner--',
    '--outer',
    'Content-Type: application/octet-stream; name="data.bin"',
    'Content-Disposition: attachment; filename="data.bin"',
    'Content-Transfer-Encoding: base64',
    '',
    Buffer.from('some data of a file').toString('base64'),
    '--outer--',
    'An epilogue.',
  ].join('\n'),
);
const messages: Readonly<Record<string, string>> = {
  'plain text': plainMessage('plain', 'Hello.\n.a dot\n\nend'),
  html,
  quoted,
  base64: encoded,
  'several parts': parts,
  'no body': message(head, '').trimEnd(),
};

const does = (...steps: ReadonlyStep[]): PlannedAnswer => ({ recipe: 'does', argument: { steps } });

const sending = (
  name: string,
  plan: PlannedCase['plan'],
  data = twice,
  recipients = ['user@example.com'],
): PlannedCase => ({
  name,
  plan,
  script: (sender) => [
    'EHLO client.example.org',
    `MAIL FROM:<${sender}>`,
    ...recipients.map((address) => `RCPT TO:<${address}>`),
    { data },
    `MAIL FROM:<${sender}>`,
    'QUIT',
  ],
});

const edits: ReadonlyStep[] = [
  ['transaction.add_header', 'X-Last', 'at the end'],
  ['transaction.add_leading_header', 'X-First', 'in front'],
  ['transaction.add_header', 'X-Twice', 'three'],
  ['transaction.add_leading_header', 'X-Encoded', 'Grüße'],
  ['transaction.add_header', 'X-Long', `${'word '.repeat(40)}end`],
];
const removals: ReadonlyStep[] = [
  ['transaction.remove_header', 'X-Twice'],
  ['transaction.remove_header', 'x-other'],
  ['transaction.remove_header', 'X-None'],
];
const looks: ReadonlyStep[] = [
  ['transaction.header.get', 'x-twice'],
  ['transaction.header.get_all', 'X-Twice'],
  ['transaction.header.get', 'X-Folded'],
  ['transaction.header.get', 'subject'],
  ['transaction.header.get_decoded', 'subject'],
  ['transaction.header.get', 'x-none'],
  ['transaction.header.get_all', 'x-none'],
  ['transaction.data_bytes'],
];

const pipeOptions: Readonly<Record<string, object | undefined>> = {
  'no options': undefined,
  'LF line ends': { line_endings: '\n' },
  'dots as they were': { dot_stuffed: true },
  'dots doubled again': { dot_stuffing: true },
  'the final dot': { ending_dot: true },
  'no header': { skip_headers: true },
  'as clamd wants it': { clamd_style: true },
  'several at once': { line_endings: '\n', dot_stuffing: true, ending_dot: true },
};

export const messagesOfPlugins: PlannedGroups = {
  'header fields': [
    sending('added before the message', { data: does(...edits) }),
    sending('removed before the message', { data: does(...removals) }),
    sending('added behind it', { data_post: does(...edits, ...looks) }),
    sending('removed behind it', { data_post: does(...removals, ...looks) }),
    sending('added, then removed', { data_post: does(...edits, ...removals, ...looks) }),
    sending('added at each place', { data: does(...edits), data_post: does(...edits), queue: does(...edits) }),
    {
      ...sending('added before the message, looked for behind it', {
        data: does(['transaction.add_header', 'X-Early', 'early']),
        data_post: does(['transaction.header.get_all', 'X-Early']),
      }),
      shows: {
        deviation: 'A header field that a plugin added before',
        differences: [
          [
            'transaction 0.notes.seen',
            [['transaction.header.get_all', ['early', 'early\n']]],
            [['transaction.header.get_all', ['early\n']]],
          ],
        ],
      },
    },
    sending('replaced', {
      data_post: does(
        ['transaction.remove_header', 'Subject'],
        ['transaction.add_header', 'Subject', 'replaced'],
        ['transaction.header.get_decoded', 'Subject'],
      ),
    }),
    sending('read', { data_post: does(...looks) }),
    {
      ...sending('of a message without a header', {}, '\r\nNo header.\r\n'),
      shows: {
        deviation: 'A message without Date or Message-ID',
        differences: [
          [
            'mail 0.message',
            'Received: (by the server)\r\n\r\nNo header.\r\n',
            'Received: (by the server)\r\nDate: <date>\r\nMessage-ID: (by the server)\r\n\r\nNo header.\r\n',
          ],
        ],
      },
    },
  ],
  ...Object.fromEntries(
    Object.entries(messages).map(([name, data]) => [
      `a body of ${name}`,
      [
        sending('a banner', { data: does(['transaction.set_banner', 'A banner.', '<p>A banner.</p>']) }, data),
        sending('a banner of text alone', { data: does(['transaction.set_banner', 'A banner\nof two lines']) }, data),
        sending(
          'a filter of text',
          { data: does(['transaction.add_body_filter', 'text/plain', { filter: 'capitals' }]) },
          data,
        ),
        sending(
          'a filter by pattern',
          { data: does(['transaction.add_body_filter', { regexp: '^text/(?:plain|html)' }, { filter: 'longer' }]) },
          data,
        ),
        sending(
          'a filter of everything',
          { data: does(['transaction.add_body_filter', '', { filter: 'capitals' }]) },
          data,
        ),
        sending(
          'a filter of no part',
          { data: does(['transaction.add_body_filter', 'image/', { filter: 'nothing' }]) },
          data,
        ),
        sending(
          'banner and filter',
          {
            data: does(
              ['transaction.set_banner', 'A banner.', '<p>A banner.</p>'],
              ['transaction.add_body_filter', 'text/', { filter: 'capitals' }],
            ),
          },
          data,
        ),
        sending(
          'its parts',
          { data: does(['transaction.parse_body', '=', true]), data_post: { recipe: 'parts' } },
          data,
        ),
        sending('its attachments', { data: { recipe: 'attachments' } }, data),
      ],
    ]),
  ),
  'a message read by a plugin': [
    ...Object.entries(pipeOptions).flatMap(([name, argument]) =>
      ['plain text', 'several parts'].map((data) =>
        sending(`a pipe with ${name}, ${data}`, { data_post: { recipe: 'pipes', argument } }, messages[data]),
      ),
    ),
    sending('a pipe at the queue', { queue: { recipe: 'pipes', argument: { dot_stuffing: true } } }),
    sending('a pipe after a banner', { data: does(['transaction.set_banner', 'B']), data_post: { recipe: 'pipes' } }),
    sending('a pipe after headers were added', { data: does(...edits), data_post: { recipe: 'pipes' } }),
    sending('two ways in turn', { data_post: { recipe: 'reads' } }),
    sending('what was added is read', { data_post: does(...edits), queue: { recipe: 'reads' } }),
    sending('discarded before it came', {
      data: does(['transaction.discard_data', '=', true]),
      queue: { code: 'OK', words: 'Thrown away' },
    }),
  ],
  'the envelope': [
    sending('a recipient replaced at RCPT', {
      rcpt: does(['transaction.rcpt_to.pop'], ['transaction.rcpt_to.push', { address: '<other@example.com>' }]),
    }),
    ...(['data', 'data_post'] as const).flatMap((hook) => [
      sending(`a recipient added at ${hook}`, {
        [hook]: does(['transaction.rcpt_to.push', { address: '<other@example.com>' }]),
      }),
      sending(`a recipient taken away at ${hook}`, { [hook]: does(['transaction.rcpt_to.shift']) }, twice, [
        'user@example.com',
        'other@example.com',
      ]),
      sending(
        `recipients replaced at ${hook}`,
        {
          [hook]: does(['transaction.rcpt_to', '=', []], ['transaction.rcpt_to.push', { address: '<x@example.com>' }]),
        },
        twice,
        ['user@example.com', 'other@example.com'],
      ),
    ]),
    sending(
      'a recipient added at the queue',
      { queue: does(['transaction.rcpt_to.push', { address: '<other@example.com>' }]) },
      twice,
    ),
  ],
};
