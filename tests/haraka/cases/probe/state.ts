import type { PlannedGroups } from '../../harness/describe-planned.ts';
import type { PlannedAnswer, PlannedCase, SessionHook } from '../../harness/planned.ts';
import { plainMessage } from '../../harness/session.ts';

type ReadonlyStep = readonly [path: string, ...unknown[]];

const does = (...steps: ReadonlyStep[]): PlannedAnswer => ({ recipe: 'does', argument: { steps } });
const hello = 'EHLO client.example.org';

const twoMessages = (
  name: string,
  plan: PlannedCase['plan'],
  recipients = ['user@example.com', 'user@elsewhere.test'],
): PlannedCase => ({
  name,
  plan,
  script: (sender) => [
    hello,
    `MAIL FROM:<${sender}>`,
    ...recipients.map((address) => `RCPT TO:<${address}>`),
    { data: plainMessage() },
    `MAIL FROM:<${sender}>`,
    'RCPT TO:<user@elsewhere.test>',
    'QUIT',
  ],
});
/** To one domain: Haraka's own queue sends a message once for each. */
const outwards = (name: string, plan: PlannedCase['plan']): PlannedCase =>
  twoMessages(name, plan, ['user@elsewhere.test', 'other@elsewhere.test']);

const envelopes = (name: string, plan: PlannedCase['plan']): PlannedCase => ({
  name,
  plan,
  script: (sender) => [
    hello,
    `MAIL FROM:<${sender}>`,
    'RCPT TO:<user@example.com>',
    'FOO',
    'RSET',
    `MAIL FROM:<${sender}>`,
    'RCPT TO:<user@elsewhere.test>',
    'QUIT',
  ],
});

const resultSteps = (of: 'connection' | 'transaction'): ReadonlyStep[] => [
  [`${of}.results.add`, { plugin: true }, { pass: 'one', score: 1 }],
  [`${of}.results.add`, { plugin: true }, { pass: 'two', fail: 'three', msg: 'four', err: 'five', skip: 'six' }],
  [`${of}.results.incr`, { plugin: true }, { score: 2, fresh: 1 }],
  [`${of}.results.push`, { plugin: true }, { list: 'a' }],
  [`${of}.results.push`, { plugin: true }, { list: 'b' }],
  [`${of}.results.has`, 'planned', 'pass', 'one'],
  [`${of}.results.has`, 'planned', 'pass', { regexp: '^tw' }],
  [`${of}.results.has`, 'planned', 'pass', 'three'],
  [`${of}.results.collate`, { plugin: true }],
  [`${of}.results.get`, 'planned'],
];

const noteSteps = (of: 'connection' | 'transaction'): ReadonlyStep[] => [
  [`${of}.notes.set`, 'one.two', 'deep'],
  [`${of}.notes.get`, 'one.two'],
  [`${of}.notes.get`, 'one.three'],
  [`${of}.notes.plain`, '=', 'shallow'],
  [`${of}.notes.get`, 'plain'],
];

const connectionSteps: ReadonlyStep[] = [
  ['connection.get', 'remote.ip'],
  ['connection.get', 'remote.none.deeper'],
  ['connection.set', 'remote.host', 'set.example.org'],
  ['connection.set', 'local', 'info', 'Somebody'],
  ['connection.set', 'made.up.path', 1],
  ['connection.get', 'made.up.path'],
  ['connection.get_remote', 'host'],
  ['connection.auth_results', 'one=pass'],
  ['connection.auth_results'],
  ['connection.tran_count'],
  ['connection.hello.host'],
  ['connection.remote.is_private'],
];

const everywhere: readonly SessionHook[] = ['connect', 'ehlo', 'mail', 'rcpt', 'data', 'data_post', 'queue'];

const denied = (code: 'DENY' | 'DENYSOFT', words: string | undefined): PlannedCase => ({
  name: `${code} at connect, ${words ?? 'no words'}`,
  plan: { connect: words === undefined ? { code } : { code, words } },
  script: (sender) => [hello, 'NOOP', 'RSET', 'FOO', `MAIL FROM:<${sender}>`, 'quit'],
});

export const stateOfPlugins: PlannedGroups = {
  'results and notes': [
    ...everywhere.map((hook) =>
      twoMessages(`of the connection, at ${hook}`, {
        [hook]: does(...resultSteps('connection'), ...noteSteps('connection')),
      }),
    ),
    ...everywhere.slice(2).map((hook) =>
      twoMessages(`of the transaction, at ${hook}`, {
        [hook]: does(...resultSteps('transaction'), ...noteSteps('transaction')),
      }),
    ),
  ],
  'the connection': everywhere.map((hook) => twoMessages(`at ${hook}`, { [hook]: does(...connectionSteps) })),
  'permission to relay': [
    outwards('of the connection', { connect: { recipe: 'relaying' } }),
    outwards('of the connection, at EHLO', { ehlo: { recipe: 'relaying' } }),
    outwards('of a transaction', { mail: { recipe: 'relaying' } }),
    envelopes('taken away', { connect: { recipe: 'relaying' }, mail: does(['connection.relaying', '=', false]) }),
    outwards('at RCPT', { rcpt: { recipe: 'relaying' } }),
    outwards('with words', { connect: { recipe: 'relaying' }, rcpt: { code: 'CONT', words: 'Words of CONT' } }),
  ],
  'other plugins': [
    envelopes('one is skipped', { mail: does(['transaction.notes.skip_plugins.push', 'probe']) }),
    twoMessages('it skips itself', { mail: does(['transaction.notes.skip_plugins.push', 'planned']) }),
    twoMessages('a plugin of a lower priority is not asked any more', { rcpt: { code: 'OK', words: 'Mine' } }),
  ],
  'an answer to all but QUIT': [
    denied('DENY', undefined),
    denied('DENY', 'Go away'),
    denied('DENYSOFT', 'Come again'),
    denied('DENYSOFT', undefined),
  ],
  'notes on the way': [
    outwards('are there when the mail is sent', {
      connect: { recipe: 'relaying' },
      data: does(['transaction.notes.mark', '=', { deep: ['a', 1] }]),
    }),
    outwards('and what plugins did to the envelope', {
      connect: { recipe: 'relaying' },
      data_post: does(
        ['transaction.rcpt_to.push', { address: '<more@elsewhere.test>' }],
        ['transaction.notes.mark', '=', 'later'],
      ),
    }),
  ],
  'a client that is sent away, or begins anew': [
    ...(['mail', 'rcpt', 'rcpt_ok', 'noop', 'unrecognized_command'] as const).map((hook) =>
      envelopes(`sent away at ${hook}`, { [hook]: { recipe: 'disconnects' } }),
    ),
    envelopes('a plugin resets the transaction', { unrecognized_command: { recipe: 'resets' } }),
  ],
};
