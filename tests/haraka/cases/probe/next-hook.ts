import type { PlannedGroups } from '../../harness/describe-planned.ts';
import type { PlannedAnswer, PlannedCase } from '../../harness/planned.ts';
import { meeting } from './scripts.ts';

const unknown = (name: string, answer: PlannedAnswer): PlannedCase => meeting('unrecognized_command', name, answer);
const greeting = ['connect', 'lookup_rdns', 'connect_init'];

/** What greets the client anew does so before it has greeted, as XCLIENT does (its plugin resets the transaction). */
const greeted = (words: string): PlannedCase => ({
  name: `NEXT_HOOK ${words}`,
  plan: { unrecognized_command: { code: 'NEXT_HOOK', words } },
  script: (sender) => ['XYZZY', 'EHLO other.example.org', `MAIL FROM:<${sender}>`, 'QUIT'],
});

/** A plugin that knows the command answers for itself, or sends it on to another hook. */
export const commandsOfPlugins: PlannedGroups = {
  'a command is sent on to another hook': [
    ...['noop', 'rset', 'vrfy', 'quit'].map((words) => unknown(`NEXT_HOOK ${words}`, { code: 'NEXT_HOOK', words })),
    ...greeting.map(greeted),
    {
      name: 'NEXT_HOOK connect, with a transaction open',
      plan: { unrecognized_command: { code: 'NEXT_HOOK', words: 'connect' } },
      script: (sender) => [
        'EHLO client.example.org',
        `MAIL FROM:<${sender}>`,
        'XYZZY',
        `MAIL FROM:<${sender}>`,
        'QUIT',
      ],
      shows: {
        deviation: 'A command that a plugin sends on',
        differences: [
          ['reply 4 to MAIL FROM:<SENDER>', '250', '503'],
          ['transaction 1', '(there)', null],
          ['connection 0.tran_count', 2, 1],
          ['connection 0.notes.ran', ['mail ["<SENDER>",{}]', 'quit', 'reset_transaction'], ['quit']],
        ],
      },
    },
  ],
  'a hook that it was sent on to refuses': [
    meeting('unrecognized_command', 'noop', { code: 'NEXT_HOOK', words: 'noop' }, { noop: { code: 'DENY' } }),
    meeting('unrecognized_command', 'vrfy', { code: 'NEXT_HOOK', words: 'vrfy' }, { vrfy: { code: 'DENYSOFT' } }),
    meeting(
      'unrecognized_command',
      'quit',
      { code: 'NEXT_HOOK', words: 'quit' },
      { quit: { code: 'OK', words: 'Bye' } },
    ),
  ],
  'a plugin responds itself': [
    unknown('one line', { recipe: 'responds', argument: { code: 250, words: 'Done' } }),
    unknown('an array of lines', { recipe: 'responds', argument: { code: 250, words: ['One', 'Two', 'Three'] } }),
    unknown('a string of two lines', { recipe: 'responds', argument: { code: 299, words: 'One\nTwo' } }),
    unknown('a refusal', { recipe: 'responds', argument: { code: 550, words: '5.7.1 No' } }),
    unknown('a refusal without an enhanced code', { recipe: 'responds', argument: { code: 450, words: 'Not now' } }),
    unknown('empty lines', { recipe: 'responds', argument: { code: 250, words: ['One', '', ' ', 'Two'] } }),
  ],
};
