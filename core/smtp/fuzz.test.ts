import { connect } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FrontEndLab, goodLogin, openLab } from '../../tests/support/front-end-lab.ts';
import { SmtpDialogue } from '../../tests/support/smtp-dialogue.ts';

let lab: FrontEndLab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const fragments = fc.oneof(
  fc.constantFrom(
    'EHLO x\r\n',
    'HELO\r\n',
    `${goodLogin}\r\n`,
    'AUTH LOGIN\r\n',
    'AUTH PLAIN =\r\n',
    '*\r\n',
    'dXNlcg==\r\n',
    'MAIL FROM:<a@example.com>\r\n',
    'MAIL FROM:<> SIZE=99999999999999999999\r\n',
    'RCPT TO:<b@example.net>\r\n',
    'RCPT TO:<"@\\"',
    'DATA\r\n',
    'Subject: x\r\n\r\n',
    '\r\n.\r\n',
    '.\r\n',
    '\r\n.',
    'RSET\r\n',
    'NOOP\r\n',
    'VRFY\r\n',
    'BDAT 1 LAST\r\n',
    'QUIT\r\n',
    '\0',
    '\r',
    '\n',
    ' ',
    `${'x'.repeat(5_000)}\r\n`,
  ),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
);

/** How far a session has come when the nonsense begins. */
const preludes = fc.constantFrom(
  [],
  ['EHLO x\r\n'],
  ['EHLO x\r\n', `${goodLogin}\r\n`, 'MAIL FROM:<a@example.com>\r\n'],
  ['EHLO x\r\n', `${goodLogin}\r\n`, 'MAIL FROM:<a@example.com>\r\n', 'RCPT TO:<b@example.net>\r\n', 'DATA\r\n'],
);

/** Sends the pieces, ends, and answers all that was heard until the server closed. */
function play(port: number, pieces: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    const socket = connect(port, '127.0.0.1', () => {
      for (const piece of pieces) socket.write(Buffer.from(piece, 'latin1'));
      socket.end();
    });
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      heard += text;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(heard));
  });
}

it('whatever is sent, each reply is well-formed, no session is stuck, and others are served', async () => {
  const ends: string[] = [];
  const begun: string[] = [];
  await using server = await lab.start({
    listeners: [{ tls: 'none', auth_without_tls: true, require_login: false }],
    limits: { connections_per_address: 100, session_timeout: '20s' },
    handlers: {
      mailFrom: ({ transaction }) => void begun.push(transaction.id),
      transactionEnd: ({ transaction }) => void ends.push(transaction.id),
    },
  });
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  await fc.assert(
    fc.asyncProperty(preludes, fc.array(fragments, { maxLength: 30 }), async (prelude, pieces) => {
      const heard = await play(server.port, [...prelude, ...pieces]);
      expect(heard).toMatch(/^(?:\d{3}[ -][^\r\n]*\r\n)*$/);
    }),
    { numRuns: 1_500 },
  );
  delay.disable();
  await expect.poll(() => server.frontEnd.connections()).toBe(0);
  expect(begun.length).toBeGreaterThan(100);
  // A commit outlives its connection.
  await expect.poll(() => begun.filter((id) => !ends.includes(id))).toEqual([]);
  expect(new Set(ends).size, 'transactions that ended twice').toBe(ends.length);
  expect(delay.max / 1e6, 'longest stall of the event loop, ms').toBeLessThan(400);
  expect(server.logged.filter(({ level }) => Number(level) >= 50)).toEqual([]);
  await using client = await SmtpDialogue.open(server.port);
  await client.expect(250, 'NOOP');
});
