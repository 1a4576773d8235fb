import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FrontEndLab, openLab, type TestHandlers } from '../../tests/support/front-end-lab.ts';
import { SmtpDialogue } from '../../tests/support/smtp-dialogue.ts';
import { reply } from '../domain/reply.ts';
import { accept, defer, disconnect, reject } from '../pipeline/verdict.ts';

let lab: FrontEndLab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

describe('a client that the connect gates refuse', () => {
  it.each([
    ['for good', reject(reply(554, '5.7.1', 'Not you'))],
    ['for now', defer(reply(450, '4.7.1', 'Not now'))],
    ['for now with 421', defer(reply(421, '4.7.0', ['Not now', 'nor soon']))],
  ])('%s hears the same to every command until it quits', async (_name, refusal) => {
    const asked: string[] = [];
    const tell = (name: string) => () => void asked.push(name);
    const handlers: TestHandlers = {
      connect: () => refusal,
      helo: tell('helo'),
      auth: tell('auth'),
      mailFrom: tell('mailFrom'),
      command: ({ command }) => void asked.push(command.verb),
    };
    await using server = await lab.start({ handlers });
    await using client = await SmtpDialogue.open(server.port, { greeting: false });
    const first = await client.reply();
    expect(first.code).toBe(refusal.reply.code);
    client.write(
      'EHLO x\r\nSTARTTLS\r\nAUTH PLAIN abc\r\nMAIL FROM:<a@example.com>\r\nXOWN\r\nNOOP\r\nQUIT\r\nNOOP\r\n',
    );
    for (let i = 0; i < 6; i++) expect(await client.reply()).toEqual(first);
    expect(await client.reply()).toMatchObject({ code: 221 });
    await client.closed();
    expect(asked).toEqual(['QUIT']);
    expect(client.heard.match(new RegExp(`^${first.code} `, 'gm'))).toHaveLength(7);
    expect(server.frontEnd.refusals()).toEqual([]);
  });

  it('at once, is not kept for longer than the limits allow', async () => {
    await using server = await lab.start({
      limits: { errors: 4 },
      handlers: { connect: () => reject(reply(554, '5.7.1', 'Not you')) },
    });
    await using client = await SmtpDialogue.open(server.port);
    client.write('NOOP\r\n'.repeat(10));
    for (const code of [554, 554, 554, 421]) expect((await client.reply()).code).toBe(code);
    await client.closed();
    expect(client.heard.match(/^554/gm)).toHaveLength(4);
  });

  it('is ended when it says nothing', async () => {
    await using server = await lab.start({
      limits: { command_timeout: '50ms' },
      handlers: { connect: () => reject(reply(554, '5.7.1', 'Not you')) },
    });
    await using client = await SmtpDialogue.open(server.port);
    expect(await client.reply()).toMatchObject({ code: 421, text: expect.stringMatching(/^4\.4\.2/) });
    await client.closed();
  });

  it('later hears it also to what it sent meanwhile', async () => {
    const asked = Promise.withResolvers<void>();
    const decided = Promise.withResolvers<void>();
    const handlers: TestHandlers = {
      connect: async () => {
        asked.resolve();
        await decided.promise;
        return reject(reply(554, '5.7.1', 'Not you'));
      },
    };
    await using server = await lab.start({ handlers });
    await using client = await SmtpDialogue.open(server.port, { greeting: false });
    await asked.promise;
    await client.flush('EHLO x\r\nQUIT\r\n');
    decided.resolve();
    for (const code of [554, 554, 221]) expect((await client.reply()).code).toBe(code);
  });

  it('by disconnect is sent away at once, and so it is where a plugin fails', async () => {
    const fail = (): never => {
      throw new Error('planted');
    };
    for (const connect of [() => disconnect(reply(554, '5.7.1', 'Go')), fail]) {
      await using server = await lab.start({ handlers: { connect } });
      await using client = await SmtpDialogue.open(server.port);
      await client.closed();
      expect(client.heard).toMatch(/^(?:554 5\.7\.1 Go|421 4\.3\.0 [^\r]*)\r\n$/);
    }
  });

  it('is told that the server shuts down like any other', async () => {
    const server = await lab.start({ handlers: { connect: () => reject(reply(554, '5.7.1', 'Not you')) } });
    await using client = await SmtpDialogue.open(server.port);
    await server.frontEnd.close(1_000);
    expect(await client.reply()).toMatchObject({ code: 421 });
    await client.closed();
  });

  it('is still disconnected where a plugin answers its QUIT in words of its own', async () => {
    const handlers: TestHandlers = {
      connect: () => reject(reply(554, '5.7.1', 'Not you')),
      command: () => accept({ reply: reply(221, '2.0.0', 'So long') }),
    };
    await using server = await lab.start({ handlers });
    await using client = await SmtpDialogue.open(server.port);
    expect(await client.command('QUIT')).toEqual({ code: 221, text: '2.0.0 So long' });
    await client.closed();
  });
});
