import type { SessionHook } from '../../harness/planned.ts';
import type { ShownDifference } from '../../harness/shown.ts';

const afterHello = ['mail ["<SENDER>",{}]', 'quit', 'reset_transaction'];
const afterConnect = ['ehlo "client.example.org"', 'capabilities', 'noop', ...afterHello];

/**
 * The client was sent away before it said anything. `ran`: the hooks that Haraka runs after the failing one; `name`: what
 * is seen of the look-up of the client's name, where it has not ended.
 */
const sentAway = (ran: readonly string[], name: readonly ShownDifference[] = []): readonly ShownDifference[] => [
  ['reply 0 to (connect)', '220', '421'],
  ['reply 1 to EHLO client.example.org', '250', 'closed'],
  ['reply 2 to NOOP', '250', 'closed'],
  ['reply 3 to MAIL FROM:<SENDER>', '250', null],
  ['reply 4 to QUIT', '221', null],
  ['transaction 0', '(there)', null],
  ...name,
  ['connection 0.hello.host', 'client.example.org', null],
  ['connection 0.hello.verb', 'EHLO', null],
  ['connection 0.esmtp', true, false],
  ['connection 0.tran_count', 1, 0],
  ['connection 0.notes.ran', ran, []],
  ['connection 0.results.helo', '(there)', null],
];
const nameUnknown: ShownDifference = ['connection 0.remote.host', 'NXDOMAIN', null];

/** What is seen where a hook throws: Haraka goes on as if it had said CONT, Sluice refuses for now. */
export const whereItThrows: Readonly<Partial<Record<SessionHook, readonly ShownDifference[]>>> = {
  connect_init: sentAway(['lookup_rdns', 'connect', ...afterConnect], [nameUnknown]),
  lookup_rdns: sentAway(['connect', ...afterConnect], [nameUnknown]),
  connect: sentAway(afterConnect),
  helo: [
    ['reply 1 to HELO client.example.org', '250', '451'],
    ['reply 2 to MAIL FROM:<SENDER>', '250', '503'],
    ['transaction 0', '(there)', null],
    ['connection 0.tran_count', 1, 0],
    ['connection 0.notes.ran', afterHello, ['quit']],
  ],
  ehlo: [
    ['reply 1 to EHLO client.example.org', '250', '451'],
    ['reply 2 to MAIL FROM:<SENDER>', '250', '503'],
    ['transaction 0', '(there)', null],
    ['connection 0.esmtp', true, false],
    ['connection 0.tran_count', 1, 0],
    ['connection 0.notes.ran', ['capabilities', ...afterHello], ['quit']],
  ],
  capabilities: [
    ['reply 1 to EHLO client.example.org', '250', '451'],
    ['reply 2 to MAIL FROM:<SENDER>', '250', '503'],
    ['transaction 0', '(there)', null],
    ['connection 0.tran_count', 1, 0],
    ['connection 0.notes.ran', afterHello, ['quit']],
  ],
  unrecognized_command: [
    ['reply 3 to XYZZY some  thing', '500', '451'],
    ['connection 0.errors', 1, 0],
  ],
  noop: [['reply 3 to NOOP some thing', '250', '451']],
  vrfy: [['reply 3 to VRFY user', '252', '451']],
  mail: [
    ['reply 2 to MAIL FROM:<SENDER>', '250', '451'],
    ['reply 3 to RCPT TO:<user@example.com>', '250', '503'],
    ['reply 5 to MAIL FROM:<SENDER>', '250', '451'],
    ['transaction 0.rcpt_to', ['<user@example.com>'], []],
    ['transaction 0.rcpt_count.accept', 1, 0],
    ['transaction 0.results.mail_from', '(there)', null],
    ['transaction 0.results.rcpt_to', '(there)', null],
    ['transaction 1.results.mail_from', '(there)', null],
    ['connection 0.rcpt_count.accept', 1, 0],
    [
      'connection 0.notes.ran',
      [
        'rcpt ["<user@example.com>",{}]',
        'rcpt_ok "<user@example.com>"',
        'rset',
        'reset_transaction',
        'mail ["<SENDER>",{}]',
        'quit',
        'reset_transaction',
      ],
      ['reset_transaction', 'rset', 'mail ["<SENDER>",{}]', 'reset_transaction', 'quit'],
    ],
  ],
  rcpt: [
    ['reply 3 to RCPT TO:<user@example.com>', '250', '451'],
    ['reply 4 to RCPT TO:<user@elsewhere.test>', '550', '451'],
    ['transaction 0.rcpt_to', ['<user@example.com>'], []],
    ['transaction 0.rcpt_count.accept', 1, 0],
    ['transaction 0.rcpt_count.tempfail', 0, 2],
    ['transaction 0.rcpt_count.reject', 1, 0],
    [
      'transaction 0.results.rcpt_to.recipient',
      [
        { action: 'accept', address: 'user@example.com' },
        {
          action: 'reject',
          address: 'user@elsewhere.test',
          code: 'CONT',
          msg: 'I cannot deliver mail for <user@elsewhere.test>',
        },
      ],
      [
        { action: 'tempfail', address: 'user@example.com' },
        { action: 'tempfail', address: 'user@elsewhere.test' },
      ],
    ],
    ['connection 0.rcpt_count.accept', 1, 0],
    ['connection 0.rcpt_count.tempfail', 0, 2],
    ['connection 0.rcpt_count.reject', 1, 0],
    ['connection 0.notes.ran', ['rcpt_ok "<user@example.com>"'], []],
  ],
  rcpt_ok: [
    ['reply 3 to RCPT TO:<user@example.com>', '250', '451'],
    ['reply 4 to RCPT TO:<other@example.com>', '250', '451'],
    ['transaction 0.rcpt_to', ['<user@example.com>', '<other@example.com>'], []],
    ['transaction 0.rcpt_count.accept', 2, 0],
    ['transaction 0.rcpt_count.tempfail', 0, 2],
    [
      'transaction 0.results.rcpt_to.recipient',
      [
        { action: 'accept', address: 'user@example.com' },
        { action: 'accept', address: 'other@example.com' },
      ],
      [
        { action: 'tempfail', address: 'user@example.com' },
        { action: 'tempfail', address: 'other@example.com' },
      ],
    ],
    ['connection 0.rcpt_count.accept', 2, 0],
    ['connection 0.rcpt_count.tempfail', 0, 2],
  ],
  data: [
    ['reply 4 to DATA … .', '354 250', '451'],
    ['mail 0', '(there)', null],
    ['transaction 0.msg_status', 'accepted', null],
    ['transaction 0.notes.authentication_results', '(there)', null],
    ['connection 0.msg_count.accept', 1, 0],
    ['connection 0.notes.authentication_results', '(there)', null],
    ['connection 0.notes.ran', ['data_post', 'queue', 'queue_ok "(of the server)"'], []],
  ],
  data_post: [
    ['reply 4 to DATA … .', '354 250', '354 451'],
    ['mail 0', '(there)', null],
    ['transaction 0.msg_status', 'accepted', 'deferred'],
    ['connection 0.msg_count.accept', 1, 0],
    ['connection 0.msg_count.tempfail', 0, 1],
    ['connection 0.notes.ran', ['queue', 'queue_ok "(of the server)"'], []],
  ],
  queue: [
    ['reply 4 to DATA … .', '354 250', '354 451'],
    ['mail 0', '(there)', null],
    ['transaction 0.msg_status', 'accepted', 'deferred'],
    ['connection 0.msg_count.accept', 1, 0],
    ['connection 0.msg_count.tempfail', 0, 1],
    ['connection 0.notes.ran', ['queue_ok "(of the server)"'], []],
  ],
  queue_outbound: [
    ['reply 4 to DATA … .', '354 250', '354 451'],
    ['mail 0', '(there)', null],
    ['transaction 0.msg_status', 'accepted', 'deferred'],
    ['transaction 0.notes.ran', '(there)', null],
    ['connection 0.msg_count.accept', 1, 0],
    ['connection 0.msg_count.tempfail', 0, 1],
    ['connection 0.notes.ran', ['queue_ok "(of the server)"'], []],
  ],
  pre_send_trans_email: [
    ['reply 4 to DATA … .', '354 250', '354 451'],
    ['mail 0', '(there)', null],
    ['transaction 0.msg_status', 'accepted', 'deferred'],
    ['connection 0.msg_count.accept', 1, 0],
    ['connection 0.msg_count.tempfail', 0, 1],
    ['connection 0.notes.ran', ['queue_ok "(of the server)"'], []],
  ],
};
