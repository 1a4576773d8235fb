import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FrontEndLab, goodLogin, openLab } from '../../tests/support/front-end-lab.ts';
import { SmtpDialogue } from '../../tests/support/smtp-dialogue.ts';
import { disconnect, reject, reply } from '../pipeline/plugin.ts';

let lab: FrontEndLab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const listeners = [{ tls: 'none', auth_without_tls: true }] as const;

it('counts what core itself refuses, by the codes of its replies', async () => {
  await using server = await lab.start({ listeners, limits: { connections_per_address: 1 } });
  await using client = await SmtpDialogue.open(server.port);
  await client.expect(503, 'MAIL FROM:<a@example.com>');
  await client.expect(250, 'EHLO x');
  await client.expect(530, 'MAIL FROM:<a@example.com>');
  await client.expect(530, 'MAIL FROM:<a@example.com>');
  expect(await text(connect(server.port, '127.0.0.1'))).toMatch(/^421 4\.7\.0 /);
  expect(server.frontEnd.refusals()).toEqual([
    { code: 503, enhanced: '5.5.1', count: 1 },
    { code: 530, enhanced: '5.7.0', count: 2 },
    { code: 421, enhanced: '4.7.0', count: 1 },
  ]);
});

it('leaves out what plugins refuse, which is counted with their hooks', async () => {
  const refusal = reply(550, '5.7.1', 'not from you');
  await using server = await lab.start({
    listeners,
    handlers: {
      mailFrom: ({ sender }) => (sender?.local === 'x' ? disconnect(reply(554, '5.7.1', 'go away')) : undefined),
      rcptTo: () => reject(refusal),
      command: ({ command }) => (command.verb === 'NOOP' ? reject(refusal) : undefined),
    },
  });
  await using client = await SmtpDialogue.open(server.port);
  await client.expect(250, 'EHLO x');
  await client.expect(235, goodLogin);
  await client.expect(550, 'NOOP');
  await client.expect(250, 'MAIL FROM:<a@example.com>');
  await client.expect(550, 'RCPT TO:<b@example.net>');
  await client.expect(554, 'DATA');
  await client.expect(250, 'RSET');
  await client.expect(554, 'MAIL FROM:<x@example.com>');
  expect(server.frontEnd.refusals()).toEqual([{ code: 554, enhanced: '5.5.1', count: 1 }]);
});

it('counts a hook that fails: core refuses in its place', async () => {
  await using server = await lab.start({
    listeners,
    handlers: {
      mailFrom: () => {
        throw new Error('broken');
      },
    },
  });
  await using client = await SmtpDialogue.open(server.port);
  await client.expect(250, 'EHLO x');
  await client.expect(235, goodLogin);
  await client.expect(451, 'MAIL FROM:<a@example.com>');
  expect(server.frontEnd.refusals()).toEqual([{ code: 451, enhanced: '4.3.0', count: 1 }]);
});
