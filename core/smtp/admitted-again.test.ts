import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FrontEndLab, goodLogin, openLab, type TestHandlers } from '../../tests/support/front-end-lab.ts';
import { SmtpDialogue } from '../../tests/support/smtp-dialogue.ts';
import { reply } from '../domain/reply.ts';
import type { CommandAnswer } from '../pipeline/hooks.ts';
import { accept, defer, disconnect, proceed, reject } from '../pipeline/verdict.ts';

let lab: FrontEndLab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const clear = [{ tls: 'none', auth_without_tls: true }] as const;

/** A plugin that knows XOTHER, upon which the connect gates are asked again; `connect` is told how often it was. */
function handlers(connect: (times: number) => ReturnType<NonNullable<TestHandlers['connect']>>, words?: CommandAnswer) {
  let times = 0;
  return {
    connect: () => connect(++times),
    command: ({ command }) =>
      command.verb === 'XOTHER' ? accept(words ?? { reply: null, again: 'connect' }) : undefined,
  } satisfies TestHandlers;
}

describe('a command after which another client speaks', () => {
  it('is answered by a greeting; hello, login and transaction are forgotten', async () => {
    const ends: string[] = [];
    await using server = await lab.start({
      listeners: clear,
      handlers: {
        ...handlers((times) => proceed(`greeting ${times}`)),
        transactionEnd: ({ outcome }) => void ends.push(outcome),
      },
    });
    await using client = await SmtpDialogue.open(server.port);
    await client.expect(250, 'EHLO x');
    await client.expect(235, goodLogin);
    await client.expect(250, 'MAIL FROM:<a@example.com>');
    expect(await client.command('XOTHER')).toEqual({ code: 220, text: 'greeting 2' });
    expect(ends).toEqual(['reset']);
    await client.expect(503, 'MAIL FROM:<a@example.com>');
    await client.expect(250, 'EHLO y');
    await client.expect(530, 'MAIL FROM:<a@example.com>');
    await client.expect(235, goodLogin);
    await client.expect(250, 'MAIL FROM:<a@example.com>');
  });

  it('may be answered in words of the plugin', async () => {
    const words = reply(220, null, 'Welcome back');
    await using server = await lab.start({ handlers: handlers(() => undefined, { reply: words, again: 'connect' }) });
    await using client = await SmtpDialogue.open(server.port);
    expect(await client.command('XOTHER')).toEqual({ code: 220, text: 'Welcome back' });
  });

  it.each([
    ['now', defer(reply(421, '4.7.1', 'Not now'))],
    ['for good', reject(reply(554, '5.7.1', 'Not you'))],
  ])('is refused %s by the gates, to every command until QUIT', async (_when, refusal) => {
    const later = async (times: number) => (times === 1 ? undefined : refusal);
    await using server = await lab.start({ handlers: handlers(later) });
    await using client = await SmtpDialogue.open(server.port);
    for (const line of ['XOTHER', 'EHLO x', 'XOTHER']) await client.expect(refusal.reply.code, line);
    await client.expect(221, 'QUIT');
    await client.closed();
  });

  it('is disconnected by a gate that wants it, or where its address is blocked', async () => {
    const go = disconnect(reply(554, '5.7.1', 'Go'));
    let asked = 0;
    const blocked = reply(554, '5.7.1', 'Blocked');
    for (const access of [{}, { addressBlocked: () => (++asked > 1 ? blocked : null) }]) {
      await using server = await lab.start({ access, handlers: handlers((times) => (times === 1 ? undefined : go)) });
      await using client = await SmtpDialogue.open(server.port);
      await client.expect(554, 'XOTHER');
      await client.closed();
    }
  });

  it('is refused for now where a plugin asks for anything else again', async () => {
    const again = { reply: null, again: 'helo' } as unknown as CommandAnswer;
    await using server = await lab.start({ handlers: handlers(() => undefined, again) });
    await using client = await SmtpDialogue.open(server.port);
    await client.expect(451, 'XOTHER');
  });
});
