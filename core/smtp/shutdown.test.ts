import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FrontEndLab, goodLogin, openLab } from '../../tests/support/front-end-lab.ts';
import { SmtpDialogue } from '../../tests/support/smtp-dialogue.ts';
import { accept } from '../pipeline/verdict.ts';

let lab: FrontEndLab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const clear = [{ tls: 'none', auth_without_tls: true }] as const;

async function session(port: number, lines: readonly string[]): Promise<SmtpDialogue> {
  const client = await SmtpDialogue.open(port);
  for (const line of ['EHLO x', goodLogin, ...lines]) expect((await client.command(line)).code).toBeLessThan(400);
  return client;
}

const mail = ['MAIL FROM:<a@example.com>', 'RCPT TO:<b@example.net>'];

it('close ends idle sessions and open envelopes at once, lets a message on its way end, and takes nobody new', async () => {
  const server = await lab.start({ listeners: clear });
  await using idle = await session(server.port, []);
  await using envelope = await session(server.port, mail);
  await using sending = await session(server.port, [...mail, 'DATA']);
  const closed = server.frontEnd.close(10_000);
  for (const client of [idle, envelope]) {
    expect(await client.reply()).toMatchObject({ code: 421, text: expect.stringMatching(/^4\.3\.2/) });
    await client.closed();
  }
  await expect(SmtpDialogue.open(server.port)).rejects.toThrow();
  sending.write('Subject: last\r\n\r\n.\r\n');
  expect((await sending.reply()).code).toBe(250);
  expect((await sending.reply()).code).toBe(421);
  await sending.closed();
  await closed;
  expect(server.frontEnd.connections()).toBe(0);
  expect((await lab.accepted())[0]?.record.subject).toBe('last');
  expect(server.refusals.map(({ outcome }) => outcome)).toEqual(['aborted']);
});

it('close ends what is not done within the grace', async () => {
  const server = await lab.start({ listeners: clear });
  await using sending = await session(server.port, [...mail, 'DATA']);
  await server.frontEnd.close(50);
  await sending.closed();
  expect(sending.heard).toMatch(/421 4\.3\.2 [^\r]*\r\n$/);
  expect(server.frontEnd.connections()).toBe(0);
});

it('close waits for a commit that has begun', async () => {
  const begun = Promise.withResolvers<void>();
  const stored = Promise.withResolvers<void>();
  const server = await lab.start({
    listeners: clear,
    handlers: {
      queue: async ({ session: owner, transaction, message }) => {
        begun.resolve();
        await stored.promise;
        await server.spool.commit(owner, transaction, message);
        return accept({ as: 'queued' });
      },
    },
  });
  await using client = await session(server.port, [...mail, 'DATA']);
  client.write('Subject: committed\r\n\r\n.\r\n');
  await begun.promise;
  const closed = server.frontEnd.close(10_000);
  stored.resolve();
  expect((await client.reply()).code).toBe(250);
  await closed;
});

it('a port that is taken is told with the listener and what to do, and nothing stays open', async () => {
  await using first = await lab.start({ listeners: [{ name: 'one' }] });
  const second = lab.start({
    listeners: [
      { name: 'free', port: 0 },
      { name: 'taken', port: first.port },
    ],
  });
  await expect(second).rejects.toMatchObject({
    code: 'LISTEN_FAILED',
    message: expect.stringMatching(/taken.*127\.0\.0\.1 port \d+.*EADDRINUSE.*set another one/),
  });
});

it('a listener that is off is not opened', async () => {
  await using server = await lab.start({ listeners: [{ name: 'on' }, { name: 'off', enabled: false }] });
  expect(Object.keys(server.ports)).toEqual(['on']);
});
