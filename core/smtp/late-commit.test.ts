import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FrontEndLab, type FrontEndOptions, goodLogin, openLab } from '../../tests/support/front-end-lab.ts';
import { SmtpDialogue } from '../../tests/support/smtp-dialogue.ts';
import { reply } from '../domain/reply.ts';
import { accept, reject } from '../pipeline/verdict.ts';
import type { Spool } from '../storage/ports/spool.ts';

/*
 * The `queue` hook has a deadline, the disk has none. Whatever the hook says, or is too late to say, the reply to the
 * client is that of the commit: a 451 for mail that goes out would make the client send it twice.
 */

let lab: FrontEndLab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const clear = [{ tls: 'none', auth_without_tls: true }] as const;

/** Sends a message; answers what is said to its final dot. */
async function send(port: number, subject: string): Promise<SmtpDialogue> {
  const client = await SmtpDialogue.open(port);
  await client.expect(250, 'EHLO client.example');
  await client.expect(235, goodLogin);
  await client.expect(250, 'MAIL FROM:<a@example.com>');
  await client.expect(250, 'RCPT TO:<b@example.net>');
  await client.expect(354, 'DATA');
  client.write(`Subject: ${subject}\r\n\r\n.\r\n`);
  return client;
}
const stored = async (subject: string) =>
  (await lab.accepted()).filter(({ record }) => record.subject === subject).length;

/** A front end whose commits begin only when they are let go, and which tells when the client's patience was over. */
async function held(options: FrontEndOptions & { withdraws?: boolean } = {}) {
  const begun = Promise.withResolvers<void>();
  const givenUp = Promise.withResolvers<void>();
  const mayWrite = Promise.withResolvers<void>();
  const server = await lab.start({
    listeners: clear,
    timeout: 50,
    ...options,
    store: {
      commit: async (message) => {
        begun.resolve();
        await mayWrite.promise;
        await lab.store.messages.commit(message);
      },
      giveUp: () => {
        givenUp.resolve();
        if (options.withdraws === true) mayWrite.reject(new Error('withdrawn'));
      },
    },
  });
  return { server, begun: begun.promise, givenUp: givenUp.promise, write: () => mayWrite.resolve() };
}

it('a commit that outlasts the deadline of the hook decides: what is durable is accepted, once', async () => {
  const { server, givenUp, write } = await held();
  await using client = await send(server.port, 'late');
  await givenUp;
  write();
  expect((await client.reply()).code).toBe(250);
  expect(await stored('late')).toBe(1);
  expect(server.logged).toContainEqual(expect.objectContaining({ msg: expect.stringContaining('though `queue`') }));
  await client.expect(221, 'QUIT');
  await server[Symbol.asyncDispose]();
});

it('one whose write had not begun is dropped, and refused for now', async () => {
  const { server } = await held({ withdraws: true });
  await using client = await send(server.port, 'dropped');
  expect((await client.reply()).code).toBe(451);
  expect(await stored('dropped')).toBe(0);
  await server[Symbol.asyncDispose]();
});

it('after the refusal no commit of this message can begin', async () => {
  const late = Promise.withResolvers<Spool>();
  const tried = Promise.withResolvers<unknown>();
  await using server = await lab.start({
    listeners: clear,
    timeout: 50,
    handlers: {
      queue: async ({ session, transaction, message }) => {
        const spool = await late.promise;
        tried.resolve(await spool.commit(session, transaction, message).catch((error: unknown) => error));
        return accept({ as: 'queued' });
      },
    },
  });
  await using client = await send(server.port, 'too late');
  expect((await client.reply()).code).toBe(451);
  late.resolve(server.spool);
  expect(await tried.promise).toMatchObject({ code: 'CONFLICT' });
  expect(await stored('too late')).toBe(0);
});

it.each([
  ['says no', 'stored and refused'],
  ['throws', 'stored and thrown'],
])('a plugin that stores a message and then %s does not make the client send it twice', async (what, subject) => {
  let spool: Spool | undefined;
  await using server = await lab.start({
    listeners: clear,
    handlers: {
      queue: async ({ session, transaction, message }) => {
        await spool?.commit(session, transaction, message);
        if (what === 'throws') throw new Error('after the commit');
        return reject(reply(550, '5.7.1', 'No'));
      },
    },
  });
  spool = server.spool;
  await using client = await send(server.port, subject);
  expect((await client.reply()).code).toBe(250);
  expect(await stored(subject)).toBe(1);
});
