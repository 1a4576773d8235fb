import type { Shown } from '../../harness/shown.ts';

/*
 * What sessions show where Sluice means to differ: the rows of the table in plugins/haraka/README.md, and what of replies
 * and mail is not the same.
 */

const grammar = 'Grammar, order and lengths of commands';
const words = 'Words of the server itself';

/** Where Haraka breaks a long line, and Sluice does not. */
const longLines = (): Shown => {
  const head = [
    'Received: (by the server)',
    'From: Sender <sender@example.org>',
    'To: Recipient <user@example.com>',
    'Subject: long',
    'Date: <date>',
    'Message-ID: <test-message@example.org>',
    '',
    'x'.repeat(990),
  ];
  const message = (...line: readonly string[]): string => `${[...head, ...line, 'short'].join('\r\n')}\r\n`;
  const long = 'y'.repeat(1_200);
  return {
    deviation: 'A line of a message is never broken up',
    differences: [['mail 0.message', message(long.slice(0, 990), ` ${long.slice(990)}`), message(long)]],
  };
};

/** By the name of the case. */
export const meant: Readonly<Record<string, Shown>> = {
  'long lines': longLines(),
  'DATA behind recipients that were all refused': {
    deviation: grammar,
    differences: [
      ['reply 2 to MAIL FROM:<sender@example.org> | RCPT TO:<b@elsewhere.test> | DATA', '250 550 503', '250 550 554'],
    ],
  },
  'commands behind the dot': {
    deviation: grammar,
    differences: [['reply 4 to DATA … . "MAIL FROM:<sender@example.org>\\r\\n"', '354 250 503', '354 250 250']],
  },
  'MAIL within a transaction': {
    deviation: grammar,
    differences: [
      ['reply 4 to MAIL FROM:<other@example.org>', '250', '503'],
      ['mail 0.sender', 'other@example.org', 'sender@example.org'],
    ],
  },
  'a recipient twice': {
    deviation: 'A recipient given twice',
    differences: [['mail 0.recipients', ['user@example.com'], []]],
  },
  'unknown commands': {
    deviation: words,
    differences: [
      ['reply 4 to EXPN list', '500', '502'],
      ['reply 5 to HELP', '250', '214'],
    ],
  },
  'VRFY and NOOP, with and without arguments': {
    deviation: words,
    differences: [['reply 3 to VRFY', '252', '501']],
  },
  'arguments where none belong': {
    deviation: grammar,
    differences: [],
  },
  'greetings without a name': {
    deviation: grammar,
    differences: [
      ['reply 3 to EHLO client.example.org and more', '250', '501'],
      ['reply 4 to MAIL FROM:<sender@example.org>', '250', '503'],
    ],
  },
  'many unknown commands': {
    deviation: grammar,
    differences: [
      ['reply 12 to FOO10', '500', '421'],
      ['reply 13 to FOO11', '500', 'closed'],
      ['reply 14 to QUIT', '221', 'closed'],
    ],
  },
  'a long command': {
    deviation: grammar,
    differences: [
      ['reply 2 to MAIL FROM:<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '521', '501'],
      ['reply 3 to MAIL FROM:<sender@example.org>', 'closed', '250'],
      ['reply 4 to QUIT', 'closed', '221'],
    ],
  },
  'octets that are no ASCII': {
    deviation: grammar,
    differences: [['reply 2 to MAIL FROM:<ä@example.org>', '250', '553']],
  },
  'a TLS handshake in clear': {
    deviation: grammar,
    differences: [],
  },
  'a source route': {
    deviation: grammar,
    differences: [
      ['reply 2 to MAIL FROM:<@a.example,@b.example:sender@example.org>', '250', '553'],
      ['reply 3 to RCPT TO:<@c.example:user@example.com>', '250', '503'],
      ['reply 4 to DATA … .', '354 250', '503'],
      ['mail 0', '(there)', null],
    ],
  },
  'no brackets': {
    deviation: grammar,
    differences: [
      ['reply 2 to MAIL FROM:sender@example.org', '250', '501'],
      ['reply 3 to RCPT TO:user@example.com', '250', '503'],
    ],
  },
  'broken addresses': {
    deviation: grammar,
    differences: [
      ['reply 6 to RCPT TO:<@example.com>', '501', '553'],
      ['reply 8 to RCPT TO:<>', '550', '501'],
    ],
  },
  'a size beyond the limit': {
    deviation: grammar,
    differences: [['reply 2 to MAIL FROM:<sender@example.org> SIZE=99999999999', '550', '552']],
  },
  'a parameter that nobody knows': {
    deviation: grammar,
    differences: [['reply 2 to MAIL FROM:<sender@example.org> FOO=bar', '250', '555']],
  },
  'parameters after HELO': {
    deviation: grammar,
    differences: [['reply 2 to MAIL FROM:<sender@example.org> SIZE=100', '555', '250']],
  },
  'a bare line feed': {
    deviation: grammar,
    differences: [
      ['reply 5 to (write) "Subject: x\\r\\n\\r\\na\\nb\\r\\n.\\r\\n"', '451', '550'],
      ['reply 6 to QUIT', 'closed', '221'],
    ],
  },
  'a line feed, a dot and an end': {
    deviation: grammar,
    differences: [
      ['reply 5 to (write) "Subject: x\\r\\n\\r\\na\\n.\\r\\nb\\r\\n.\\r\\n"', '451', '550'],
      ['reply 6 to QUIT', 'closed', '221'],
    ],
  },
  'a hundred hops': {
    deviation: grammar,
    differences: [['reply 4 to DATA … .', '354 550', '354 554']],
  },
};
