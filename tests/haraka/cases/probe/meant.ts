import type { PlannedGroups } from '../../harness/describe-planned.ts';
import type { PlannedAnswer } from '../../harness/planned.ts';
import { plainMessage } from '../../harness/session.ts';

const hello = 'EHLO client.example.org';
const does = (...steps: readonly (readonly [path: string, ...unknown[]])[]): PlannedAnswer => ({
  recipe: 'does',
  argument: { steps },
});

/** Octets above the limit of both servers. */
const tooLarge = plainMessage('large', `${'x'.repeat(900)}\n`.repeat(29_500));

/** What plugins meet otherwise than in Haraka, a case a row of the table. */
export const meantOtherwise: PlannedGroups = {
  'a queue that nobody takes': [
    {
      name: 'goes to the next one',
      plan: { data: does(['transaction.notes.skip_plugins.push', 'queue/smtp_forward']) },
      script: (sender) => [
        hello,
        `MAIL FROM:<${sender}>`,
        'RCPT TO:<user@example.com>',
        { data: plainMessage() },
        'QUIT',
      ],
      shows: {
        deviation: '`queue` without a taker',
        differences: [
          ['reply 4 to DATA … .', '354 451', '354 250'],
          ['mail 0', null, '(there)'],
          ['transaction 0.msg_status', 'deferred', 'accepted'],
          ['connection 0.msg_count.accept', 0, 1],
          ['connection 0.msg_count.tempfail', 1, 0],
          ['connection 0.notes.ran', [], ['queue_ok "(of the server)"']],
        ],
      },
    },
  ],
  'the name of the server': [
    {
      name: 'is its own',
      plan: { mail: does(['connection.local.info']) },
      script: (sender) => [hello, `MAIL FROM:<${sender}>`, 'QUIT'],
      shows: {
        deviation: '`connection.local.info`',
        differences: [
          [
            'transaction 0.notes.seen',
            [['connection.local.info', 'Haraka/3.3.4']],
            [['connection.local.info', 'Sluice']],
          ],
        ],
      },
    },
  ],
  'a message above the limit': [
    {
      name: 'is refused before plugins are asked',
      plan: { max_data_exceeded: { code: 'DENYSOFT' } },
      script: (sender) => [hello, `MAIL FROM:<${sender}>`, 'RCPT TO:<user@example.com>', { data: tooLarge }, 'QUIT'],
      shows: {
        deviation: 'Grammar, order and lengths',
        differences: [
          ['reply 4 to DATA … .', '354 450', '354 552'],
          [
            'connection 0.notes.ran',
            ['max_data_exceeded', 'deny [903,null,"planned","on_max_data_exceeded",null,"max_data_exceeded"]'],
            [],
          ],
        ],
      },
    },
  ],
  'a DSN that contradicts its verdict': [
    {
      name: 'gives its words, not its code',
      plan: { mail: { code: 'OK', words: { dsn: [550, 'Words of a DSN', 7, 1] } } },
      script: (sender) => [hello, `MAIL FROM:<${sender}>`, 'RCPT TO:<user@example.com>', 'QUIT'],
      shows: {
        deviation: 'A DSN with CONT or OK',
        differences: [
          ['reply 2 to MAIL FROM:<SENDER>', '550', '250'],
          ['connection 0.last_reject', '550 5.7.1 Words of a DSN', ''],
        ],
      },
    },
  ],
};
