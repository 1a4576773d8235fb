import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FrontEndLab, goodLogin, openLab, type TestHandlers } from '../../tests/support/front-end-lab.ts';
import { SmtpDialogue } from '../../tests/support/smtp-dialogue.ts';
import { reply } from '../domain/reply.ts';
import { grant, proceed, reject } from '../pipeline/verdict.ts';

let lab: FrontEndLab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const clear = [{ tls: 'none', auth_without_tls: true }] as const;
const mail = 'MAIL FROM:<a@example.com>';
const rcpt = 'RCPT TO:<b@example.net>';

describe('a plugin may word the positive reply to', () => {
  it.each([
    ['at once', (text: string) => proceed(text)],
    ['later', async (text: string) => proceed(text)],
  ])('connect, MAIL and RCPT, %s', async (_when, say) => {
    const handlers: TestHandlers = {
      connect: () => say('mx.example at your service'),
      mailFrom: () => say('sender noted'),
      rcptTo: () => say('2.1.9 I know him'),
    };
    await using server = await lab.start({ listeners: clear, handlers });
    await using client = await SmtpDialogue.open(server.port, { greeting: false });
    expect(await client.reply()).toEqual({ code: 220, text: 'mx.example at your service' });
    await client.expect(250, 'EHLO x');
    await client.expect(235, goodLogin);
    expect(await client.command(mail)).toEqual({ code: 250, text: '2.1.0 sender noted' });
    expect(await client.command(rcpt)).toEqual({ code: 250, text: '2.1.9 I know him' });
  });

  it('connect after the pause before the greeting', async () => {
    const handlers: TestHandlers = { connect: () => proceed(['first', 'second']) };
    await using server = await lab.start({ listeners: [{ ...clear[0], greeting_pause: '20ms' }], handlers });
    await using client = await SmtpDialogue.open(server.port, { greeting: false });
    expect(await client.reply()).toEqual({ code: 220, text: 'first\nsecond' });
  });

  it('RCPT in several lines, each with its enhanced code', async () => {
    const handlers: TestHandlers = { rcptTo: () => proceed(['2.1.5 one', '2.1.5 two', 'three']) };
    await using server = await lab.start({ listeners: clear, handlers });
    await using client = await SmtpDialogue.open(server.port);
    await client.expect(250, 'EHLO x');
    await client.expect(235, goodLogin);
    await client.expect(250, mail);
    expect(await client.command(rcpt)).toEqual({ code: 250, text: '2.1.5 one\n2.1.5 two\n2.1.5 three' });
  });

  it('RCPT by a grant, which permits only where the configuration allows it', async () => {
    const handlers: TestHandlers = { rcptTo: () => grant('local', '2.1.5 lives here') };
    const listeners = [{ ...clear[0], require_login: false }];
    for (const mayGrant of [true, false]) {
      await using server = await lab.start({ listeners, handlers, mayGrant });
      await using client = await SmtpDialogue.open(server.port);
      await client.expect(250, 'EHLO x');
      await client.expect(250, mail);
      const answer = await client.command(rcpt);
      if (mayGrant) expect(answer).toEqual({ code: 250, text: '2.1.5 lives here' });
      else expect(answer.code).toBe(550);
    }
  });
});

it('words change nothing about the right to relay', async () => {
  const handlers: TestHandlers = { rcptTo: () => proceed('welcome') };
  await using server = await lab.start({ listeners: [{ ...clear[0], require_login: false }], handlers });
  await using client = await SmtpDialogue.open(server.port);
  await client.expect(250, 'EHLO x');
  await client.expect(250, mail);
  expect(await client.command(rcpt)).toMatchObject({ code: 550, text: expect.stringMatching(/^5\.7\.1 Relaying/) });
});

it.each(['helo', 'capabilities', 'data', 'message'] as const)('at %s they are heeded nowhere', async (hook) => {
  const handlers: TestHandlers = { [hook]: () => proceed('words') };
  await using server = await lab.start({ listeners: clear, handlers });
  await using client = await SmtpDialogue.open(server.port);
  await client.expect(250, 'EHLO x');
  await client.expect(235, goodLogin);
  expect((await client.send('a@example.com', ['b@example.net'], 'Subject: x\r\n\r\n')).code).toBe(250);
  expect(client.heard).not.toContain('words');
});

it('a refusal behind them is what the client hears', async () => {
  await using server = await lab.start({
    listeners: clear,
    handlers: { mailFrom: () => proceed('fine'), rcptTo: () => reject(reply(550, '5.1.1', 'Unknown')) },
  });
  await using client = await SmtpDialogue.open(server.port);
  await client.expect(250, 'EHLO x');
  await client.expect(235, goodLogin);
  await client.expect(250, mail);
  expect(await client.command(rcpt)).toEqual({ code: 550, text: '5.1.1 Unknown' });
});
