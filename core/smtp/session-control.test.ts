import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FrontEndLab, goodLogin, openLab, type RunningFrontEnd } from '../../tests/support/front-end-lab.ts';
import { SmtpDialogue } from '../../tests/support/smtp-dialogue.ts';
import type { Recipient } from '../domain/envelope.ts';
import { reply } from '../domain/reply.ts';
import type { Session } from '../pipeline/session.ts';
import type { SessionControl } from '../pipeline/session-control.ts';
import { address } from '../pipeline/testing/fake-session.ts';
import { accept } from '../pipeline/verdict.ts';

let lab: FrontEndLab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const clear = [{ tls: 'none', auth_without_tls: true }] as const;
const silence = accept({ reply: null });

function controlOf(server: RunningFrontEnd, session: Session): SessionControl {
  const control = server.sessionControls.of(session);
  if (control === null) throw new Error('no control');
  return control;
}

async function loggedIn(port: number): Promise<SmtpDialogue> {
  const client = await SmtpDialogue.open(port);
  await client.expect(250, 'EHLO client.example');
  await client.expect(235, goodLogin);
  return client;
}

const to = (...texts: string[]): Recipient[] => texts.map((text) => ({ address: address(text), parameters: {} }));

it('is there for as long as the connection is', async () => {
  const seen: { session: Session; control: SessionControl }[] = [];
  await using server = await lab.start({
    handlers: {
      connect: ({ session }) => void seen.push({ session, control: controlOf(server, session) }),
      disconnect: ({ session }) => void seen.push({ session, control: controlOf(server, session) }),
    },
  });
  await using client = await SmtpDialogue.open(server.port);
  expect(seen[0]?.control.gone).toBe(false);
  await client.expect(221, 'QUIT');
  await expect.poll(() => seen).toHaveLength(2);
  const [first, last] = seen;
  expect(last?.control).toBe(first?.control);
  expect(first?.control.gone).toBe(true);
  expect(first && server.sessionControls.of(first.session)).toBe(null);
});

describe('a plugin may speak itself', () => {
  it('at once, in order with the replies to pipelined commands', async () => {
    const goOn = Promise.withResolvers<void>();
    await using server = await lab.start({
      handlers: {
        command: async ({ session, command }) => {
          if (command.verb !== 'XSAY') return undefined;
          controlOf(server, session).send(reply(250, '2.0.0', ['said', 'by plugin']));
          await goOn.promise;
          return silence;
        },
      },
    });
    await using client = await SmtpDialogue.open(server.port);
    client.write('VRFY x\r\nXSAY\r\nNOOP\r\n');
    expect((await client.reply()).code).toBe(252);
    expect(await client.reply()).toEqual({ code: 250, text: '2.0.0 said\n2.0.0 by plugin' });
    expect(client.heard).not.toContain('2.0.0 OK');
    goOn.resolve();
    expect((await client.reply()).text).toBe('2.0.0 OK');
  });

  it('its refusals count towards the limit on errors, not among those of core', async () => {
    await using server = await lab.start({
      limits: { errors: 2 },
      handlers: {
        command: ({ session }) => {
          controlOf(server, session).send(reply(550, '5.7.1', 'No'));
          return silence;
        },
      },
    });
    await using client = await SmtpDialogue.open(server.port);
    await client.expect(550, 'XSAY');
    await client.expect(550, 'XSAY');
    expect((await client.reply()).code).toBe(421);
    await client.closed();
    expect(server.frontEnd.refusals()).toMatchObject([{ code: 421 }]);
  });

  it('and close behind it', async () => {
    const ends: string[] = [];
    await using server = await lab.start({
      handlers: {
        command: async ({ session }) => {
          const control = controlOf(server, session);
          control.send(reply(521, null, 'Go'));
          control.disconnect();
          control.send(reply(250, null, 'unheard'));
          return undefined;
        },
        disconnect: () => void ends.push('disconnect'),
      },
    });
    await using client = await SmtpDialogue.open(server.port);
    expect(await client.command('XGO')).toEqual({ code: 521, text: 'Go' });
    await client.closed();
    expect(client.heard).not.toContain('unheard');
    expect(ends).toEqual(['disconnect']);
  });

  it('carries a whole AUTH LOGIN where the listener hands AUTH over', async () => {
    const lines: string[] = [];
    const dialogues = new WeakMap<Session, string[]>();
    await using server = await lab.start({
      listeners: [{ auth: 'plugin', auth_without_tls: true, require_login: false }],
      mayGrant: true,
      handlers: {
        capabilities: ({ capabilities }) => void capabilities.push('AUTH LOGIN'),
        command: ({ session, command }) => {
          lines.push(command.line);
          const control = controlOf(server, session);
          const said = dialogues.get(session);
          if (command.verb === 'AUTH') {
            dialogues.set(session, []);
            control.send(reply(334, null, 'VXNlcm5hbWU6'));
            return silence;
          }
          if (said === undefined) return undefined;
          said.push(Buffer.from(command.line, 'base64').toString());
          if (said.length === 1) {
            control.send(reply(334, null, 'UGFzc3dvcmQ6'));
            return silence;
          }
          dialogues.delete(session);
          const good = said.join(':') === 'Joe User:päss word';
          control.send(good ? reply(235, '2.7.0', 'Hello Joe') : reply(535, '5.7.8', 'No'));
          return silence;
        },
        rcptTo: () => ({ do: 'grant', scope: 'relay' }),
      },
    });
    await using client = await SmtpDialogue.open(server.port);
    expect((await client.expect(250, 'EHLO x')).text).toContain('AUTH LOGIN');
    const answer = (text: string) => Buffer.from(text).toString('base64');
    await client.expect(334, 'AUTH LOGIN');
    expect((await client.expect(334, answer('Joe User'))).text).toBe('UGFzc3dvcmQ6');
    expect((await client.expect(235, answer('päss word'))).text).toBe('2.7.0 Hello Joe');
    expect(lines).toEqual(['AUTH LOGIN', answer('Joe User'), answer('päss word')]);
    expect((await client.send('a@example.com', ['b@example.net'], 'Subject: x\r\n\r\n')).code).toBe(250);
    await client.expect(500, answer('Joe User'));
  });
});

describe('what the client sent too early', () => {
  it('is noticed while a connect hook waits, though there is no pause before the greeting', async () => {
    const asked = Promise.withResolvers<SessionControl>();
    const decided = Promise.withResolvers<void>();
    await using server = await lab.start({
      handlers: {
        connect: async ({ session }) => {
          asked.resolve(controlOf(server, session));
          await decided.promise;
        },
      },
    });
    await using client = await SmtpDialogue.open(server.port, { greeting: false });
    const control = await asked.promise;
    expect(control.earlyTalker).toBe(false);
    client.write('EHLO early\r\n');
    await expect.poll(() => control.earlyTalker).toBe(true);
    expect(Buffer.from(control.pending()).toString()).toBe('EHLO early\r\n');
    decided.resolve();
    for (const code of [220, 250]) expect((await client.reply()).code).toBe(code);
  });

  it('is not what came in time', async () => {
    const controls: SessionControl[] = [];
    await using server = await lab.start({
      handlers: { connect: ({ session }) => void controls.push(controlOf(server, session)) },
    });
    await using client = await SmtpDialogue.open(server.port);
    await client.expect(250, 'EHLO x');
    expect(controls.map((control) => control.earlyTalker)).toEqual([false]);
  });

  it('behind a command can be seen, and dropped', async () => {
    const asked = Promise.withResolvers<SessionControl>();
    const goOn = Promise.withResolvers<void>();
    await using server = await lab.start({
      handlers: {
        command: async ({ session, command }) => {
          if (command.verb !== 'XWAIT') return undefined;
          asked.resolve(controlOf(server, session));
          await goOn.promise;
          return accept({ reply: reply(250, '2.0.0', 'done') });
        },
      },
    });
    await using client = await SmtpDialogue.open(server.port);
    await client.flush('XWAIT\r\nVRFY same packet\r\n');
    const control = await asked.promise;
    const pending = () => Buffer.from(control.pending()).toString();
    expect(pending()).toBe('VRFY same packet\r\n');
    await client.flush('VRFY next packet\r\n');
    await expect.poll(pending).toBe('VRFY same packet\r\nVRFY next packet\r\n');
    control.discardPending();
    expect(pending()).toBe('');
    await client.flush('NOOP\r\n');
    await expect.poll(pending).toBe('NOOP\r\n');
    goOn.resolve();
    expect((await client.reply()).text).toBe('2.0.0 done');
    expect((await client.reply()).text).toBe('2.0.0 OK');
  });
});

describe('reading', () => {
  it('can be stopped and resumed, between commands and within DATA', async () => {
    const controls: SessionControl[] = [];
    await using server = await lab.start({
      listeners: clear,
      handlers: {
        connect: ({ session }) => void controls.push(controlOf(server, session)),
        command: ({ session, command }) => {
          if (command.verb === 'XPAUSE') controlOf(server, session).pause();
          return command.verb === 'XPAUSE' ? accept({ reply: reply(250, null, 'paused') }) : undefined;
        },
      },
    });
    await using client = await loggedIn(server.port);
    const [control] = controls;
    await client.flush('XPAUSE\r\nVRFY x\r\n');
    expect((await client.reply()).text).toBe('paused');
    await client.flush('MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n');
    // A second connection is served meanwhile; had the first been read, it would have been answered before.
    await using other = await loggedIn(server.port);
    await other.expect(250, 'NOOP');
    expect(client.heard).not.toContain('252');
    control?.resume();
    for (const code of [252, 250, 250, 354]) expect((await client.reply()).code).toBe(code);
    control?.pause();
    await client.flush('Subject: paused\r\n\r\n.\r\n');
    await other.expect(250, 'NOOP');
    expect(client.heard.match(/^250 2\.0\.0 queued/m)).toBe(null);
    control?.resume();
    expect((await client.reply()).code).toBe(250);
    await client.expect(221, 'QUIT');
  });

  it('resumed while a command is being answered waits for its answer', async () => {
    const asked = Promise.withResolvers<SessionControl>();
    const goOn = Promise.withResolvers<void>();
    await using server = await lab.start({
      handlers: {
        command: async ({ session, command }) => {
          if (command.verb !== 'XWAIT') return undefined;
          const control = controlOf(server, session);
          control.pause();
          control.resume();
          asked.resolve(control);
          await goOn.promise;
          return accept({ reply: reply(250, null, 'first') });
        },
      },
    });
    await using client = await SmtpDialogue.open(server.port);
    client.write('XWAIT\r\nNOOP\r\n');
    await asked.promise;
    goOn.resolve();
    expect((await client.reply()).text).toBe('first');
    expect((await client.reply()).text).toBe('2.0.0 OK');
  });
});

describe('another client may be assumed', () => {
  const listeners = [{ ...clear[0], trusted_networks: [{ name: 'office', networks: ['198.51.100.0/24'] }] }];

  it('whose address is seen by all, and matched with the trusted networks, as XCLIENT has it', async () => {
    const seen: string[] = [];
    await using server = await lab.start({
      listeners,
      handlers: {
        connect: ({ session }) => void seen.push(`${session.remote.address} ${session.trustedNetwork}`),
        command: ({ session, command }) => {
          if (command.verb !== 'XCLIENT') return undefined;
          const [, from = ''] = /ADDR=(\S+)/.exec(command.argument) ?? [];
          controlOf(server, session).assume({ remote: { address: from, port: 25_000 } });
          return accept({ reply: null, again: 'connect' });
        },
      },
    });
    await using client = await SmtpDialogue.open(server.port);
    await client.expect(250, 'EHLO x');
    await client.expect(220, 'XCLIENT ADDR=::ffff:198.51.100.7');
    await client.expect(250, 'EHLO y');
    const sent = await client.send('a@example.com', ['b@example.net'], 'Subject: assumed\r\n\r\n');
    expect(sent.code).toBe(250);
    await client.expect(220, 'XCLIENT ADDR=2001:DB8::1');
    await client.expect(250, 'EHLO z');
    await client.expect(530, 'MAIL FROM:<a@example.com>');
    expect(seen).toEqual(['127.0.0.1 null', '198.51.100.7 office', '2001:db8::1 null']);
    const [accepted] = await lab.accepted();
    expect(accepted?.record).toMatchObject({
      ownerId: 'network:office',
      source: { clientAddress: '198.51.100.7', helo: 'y' },
    });
    expect(JSON.stringify(accepted?.record.headerEdits)).toContain('[198.51.100.7]');
  });

  it('with its greeting, and is asked about at MAIL if it is blocked', async () => {
    const blocked = reply(554, '5.7.1', 'Blocked');
    await using server = await lab.start({
      listeners,
      access: { addressBlocked: (address) => (address === '203.0.113.9' ? blocked : null) },
      handlers: {
        command: ({ session, command }) => {
          const hello = { verb: 'EHLO', name: 'assumed.example' } as const;
          const remote = { address: command.verb === 'XBAD' ? '203.0.113.9' : '198.51.100.7', port: 1 };
          const local = { address: '198.51.100.1', port: 2 };
          controlOf(server, session).assume({ remote, local, hello });
          expect(session).toMatchObject({ remote, local, hello });
          return command.verb === 'XBAD' ? undefined : accept({ reply: null, again: 'connect' });
        },
      },
    });
    await using client = await SmtpDialogue.open(server.port);
    await client.expect(220, 'XGOOD');
    await client.expect(250, 'MAIL FROM:<a@example.com>');
    await client.expect(500, 'XBAD');
    await client.expect(554, 'RCPT TO:<b@example.net>');
    await client.closed();
  });

  it('while the connection counts as one of the address it came from', async () => {
    await using server = await lab.start({
      limits: { connections_per_address: 2 },
      handlers: {
        connect: ({ session }) =>
          controlOf(server, session).assume({ remote: { address: '198.51.100.7', port: session.remote.port } }),
      },
    });
    await using first = await SmtpDialogue.open(server.port);
    await using second = await SmtpDialogue.open(server.port);
    await using third = await SmtpDialogue.open(server.port, { greeting: false });
    expect(await third.reply()).toMatchObject({ code: 421, text: expect.stringMatching(/^4\.7\.0/) });
    for (const client of [first, second]) await client.expect(221, 'QUIT');
    await expect.poll(() => server.frontEnd.connections()).toBe(0);
    await using fourth = await SmtpDialogue.open(server.port);
    await fourth.expect(250, 'NOOP');
  });

  it('but not at what is no address', async () => {
    await using server = await lab.start({
      handlers: {
        command: ({ session }) => {
          controlOf(server, session).assume({ remote: { address: 'mail.example', port: 1 } });
          return silence;
        },
      },
    });
    await using client = await SmtpDialogue.open(server.port);
    await client.expect(451, 'XCLIENT');
  });
});

describe('the open transaction', () => {
  it('can be reset without a word', async () => {
    const ends: string[] = [];
    await using server = await lab.start({
      listeners: clear,
      handlers: {
        command: ({ session }) => {
          controlOf(server, session).resetTransaction();
          return accept({ reply: reply(250, null, 'fine') });
        },
        transactionEnd: ({ outcome }) => void ends.push(outcome),
      },
    });
    await using client = await loggedIn(server.port);
    await client.expect(250, 'MAIL FROM:<a@example.com>');
    await client.expect(250, 'XRESET');
    await client.expect(503, 'RCPT TO:<b@example.net>');
    await client.expect(250, 'XRESET');
    expect(ends).toEqual(['reset']);
  });

  it.each(['mailFrom', 'rcptTo', 'data'] as const)('reset within %s is answered, not left waiting', async (hook) => {
    await using server = await lab.start({
      listeners: clear,
      handlers: { [hook]: ({ session }: { session: Session }) => controlOf(server, session).resetTransaction() },
    });
    await using client = await loggedIn(server.port);
    const sent = await client.send('a@example.com', ['b@example.net'], 'Subject: x\r\n\r\n');
    expect(sent).toMatchObject({ code: 451 });
    await client.expect(503, 'RCPT TO:<b@example.net>');
  });

  it('cannot be reset while its message is received: that is refused instead', async () => {
    await using server = await lab.start({
      listeners: clear,
      handlers: { message: ({ session }) => controlOf(server, session).resetTransaction() },
    });
    await using client = await loggedIn(server.port);
    expect((await client.send('a@example.com', ['b@example.net'], 'Subject: x\r\n\r\n')).code).toBe(451);
    await client.expect(250, 'MAIL FROM:<a@example.com>');
  });

  it('can be amended in its envelope until it is stored; the record follows', async () => {
    const seen: (string | undefined)[][] = [];
    await using server = await lab.start({
      listeners: clear,
      handlers: {
        rcptTo: ({ session, transaction }) =>
          controlOf(server, session).amend(transaction, { sender: address('bounces@example.com') }),
        message: ({ session, transaction }) =>
          controlOf(server, session).amend(transaction, { recipients: to('alias@example.org', 'b@example.net') }),
        queue: async ({ session, transaction, message }) => {
          const control = controlOf(server, session);
          control.amend(transaction, { recipients: [...transaction.recipients, ...to('archive@example.com')] });
          const stored = server.spool.commit(session, transaction, message);
          expect(() => control.amend(transaction, { sender: null })).toThrow(/being stored/);
          await stored;
          return accept({ as: 'queued' });
        },
        queued: ({ session, transaction }) => {
          expect(() => controlOf(server, session).amend(transaction, { recipients: [] })).toThrow(/being stored/);
          seen.push([transaction.sender?.text, ...transaction.recipients.map((one) => one.address.text)]);
        },
      },
    });
    await using client = await loggedIn(server.port);
    const sent = await client.send('a@example.com', ['b@example.net'], 'Subject: amended\r\n\r\n');
    expect(sent.code).toBe(250);
    const recipients = ['alias@example.org', 'b@example.net', 'archive@example.com'];
    expect((await lab.accepted())[0]?.record).toMatchObject({
      sender: 'bounces@example.com',
      recipients: recipients.map((text) => ({ address: text, domain: text.split('@')[1], state: 'queued' })),
    });
    expect(seen).toEqual([['bounces@example.com', ...recipients]]);
  });

  it('can be amended to no recipients before DATA, not behind it; and no other can be', async () => {
    const former: Parameters<SessionControl['amend']>[0][] = [];
    await using server = await lab.start({
      listeners: clear,
      handlers: {
        command: ({ session, transaction }) => {
          if (transaction === null) return undefined;
          former.push(transaction);
          controlOf(server, session).amend(transaction, { recipients: [] });
          return accept({ reply: reply(250, null, 'gone') });
        },
        mailFrom: ({ session }) => {
          for (const other of former) expect(() => controlOf(server, session).amend(other, {})).toThrow(/open/);
        },
        message: ({ session, transaction }) => controlOf(server, session).amend(transaction, { recipients: [] }),
      },
    });
    await using client = await loggedIn(server.port);
    await client.expect(250, 'MAIL FROM:<a@example.com>');
    await client.expect(250, 'RCPT TO:<b@example.net>');
    await client.expect(250, 'XDROP');
    await client.expect(503, 'DATA');
    await client.expect(250, 'RSET');
    expect((await client.send('a@example.com', ['b@example.net'], 'Subject: x\r\n\r\n')).code).toBe(451);
    expect(former).toHaveLength(2);
  });
});
