import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FrontEndLab, goodLogin, openLab, type TestHandlers } from '../../tests/support/front-end-lab.ts';
import { SmtpDialogue } from '../../tests/support/smtp-dialogue.ts';
import { SluiceError } from '../domain/errors.ts';
import { reply } from '../domain/reply.ts';
import type { TransactionOutcome } from '../pipeline/hooks.ts';
import { accept, defer, reject } from '../pipeline/verdict.ts';

let lab: FrontEndLab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const clear = [{ tls: 'none', auth_without_tls: true }] as const;
const no = reply(550, '5.7.1', 'No');

async function loggedIn(port: number): Promise<SmtpDialogue> {
  const client = await SmtpDialogue.open(port);
  await client.expect(250, 'EHLO client.example');
  await client.expect(235, goodLogin);
  return client;
}

it('run in the order of the dialogue, each with what is known by then', async () => {
  const told: string[] = [];
  const tell = (text: string): void => void told.push(text);
  const handlers: TestHandlers = {
    connect: ({ session }) => tell(`connect ${session.remote.address} ${session.listener} ${session.hello}`),
    helo: ({ verb, name }) => tell(`helo ${verb} ${name}`),
    capabilities: () => tell('capabilities'),
    mailFrom: ({ sender, transaction, parameters }) =>
      tell(`mailFrom ${sender?.text} ${transaction.identity?.username} ${parameters.size}`),
    rcptTo: ({ recipient, transaction }) => tell(`rcptTo ${recipient.text} after ${transaction.recipients.length}`),
    data: ({ transaction }) => tell(`data ${transaction.recipients.length}`),
    message: ({ message }) => tell(`message ${message.size} ${message.headers.all('received').length}`),
    queued: ({ transaction }) => tell(`queued ${transaction.id.length}`),
    transactionEnd: ({ outcome, reply: last }) => tell(`transactionEnd ${outcome} ${last?.code}`),
    command: ({ command, transaction }) => tell(`command ${command.verb} ${transaction === null}`),
    disconnect: ({ session }) => tell(`disconnect ${session.hello?.name}`),
  };
  await using server = await lab.start({ listeners: clear, handlers });
  await using client = await loggedIn(server.port);
  await client.expect(250, 'MAIL FROM:<a@example.com> SIZE=14');
  await client.expect(250, 'RCPT TO:<b@example.net>');
  await client.expect(250, 'RCPT TO:<c@example.net>');
  await client.expect(354, 'DATA');
  client.write('Subject: x\r\n\r\n.\r\n');
  expect((await client.reply()).code).toBe(250);
  await client.expect(221, 'QUIT');
  await client.closed();
  expect(told).toEqual([
    'connect 127.0.0.1 listener-0 null',
    'helo EHLO client.example',
    'capabilities',
    'mailFrom a@example.com user 14',
    'rcptTo b@example.net after 0',
    'rcptTo c@example.net after 1',
    'data 2',
    'message 14 1',
    'queued 36',
    'transactionEnd accepted 250',
    'command QUIT true',
    'disconnect client.example',
  ]);
});

describe('transactionEnd runs exactly once, with the outcome', () => {
  const mail = 'MAIL FROM:<a@example.com>';
  const rcpt = 'RCPT TO:<b@example.net>';
  const message = 'Subject: x\r\n\r\n.';
  const cases: [string, TestHandlers, string[], TransactionOutcome, number | null][] = [
    ['accepted', {}, [mail, rcpt, 'DATA', message], 'accepted', 250],
    ['refused at MAIL', { mailFrom: () => reject(no) }, [mail], 'refused', 550],
    ['refused at every RCPT', { rcptTo: () => reject(no) }, [mail, rcpt, 'RSET'], 'refused', 550],
    ['refused at DATA', { data: () => reject(no) }, [mail, rcpt, 'DATA'], 'refused', 550],
    ['refused after the dot', { message: () => reject(no) }, [mail, rcpt, 'DATA', message], 'refused', 550],
    ['not queued', { queue: () => undefined }, [mail, rcpt, 'DATA', message], 'refused', 451],
    [
      'queue refused',
      { queue: () => defer(reply(452, '4.3.1', 'Full')) },
      [mail, rcpt, 'DATA', message],
      'refused',
      452,
    ],
    ['bare newline', {}, [mail, rcpt, 'DATA', 'a\nb\r\n.'], 'refused', 550],
    ['reset', {}, [mail, rcpt, 'RSET'], 'reset', null],
    ['reset by EHLO', {}, [mail, 'EHLO again'], 'reset', null],
    ['QUIT', {}, [mail, rcpt, 'QUIT'], 'aborted', null],
  ];
  it.each(cases)('%s', async (_name, handlers, lines, outcome, code) => {
    const ends: (string | number | null)[][] = [];
    await using server = await lab.start({
      listeners: clear,
      handlers: { ...handlers, transactionEnd: (end) => void ends.push([end.outcome, end.reply?.code ?? null]) },
    });
    await using client = await loggedIn(server.port);
    for (const line of lines) await client.command(line);
    client.end();
    await client.closed();
    await expect.poll(() => server.frontEnd.connections()).toBe(0);
    expect(ends).toEqual([[outcome, code]]);
    expect(server.refusals.map((refused) => refused.outcome)).toEqual(outcome === 'accepted' ? [] : [outcome]);
  });

  it('aborted, when the client leaves within DATA', async () => {
    const ends: string[] = [];
    await using server = await lab.start({
      listeners: clear,
      handlers: { transactionEnd: ({ outcome }) => void ends.push(outcome) },
    });
    await using client = await loggedIn(server.port);
    for (const line of [mail, rcpt, 'DATA']) await client.command(line);
    await client.flush(`Subject: x\r\n\r\n${'x'.repeat(50)}`);
    client.destroy();
    await expect.poll(() => ends).toEqual(['aborted']);
    expect(server.refusals).toMatchObject([
      { outcome: 'aborted', sender: 'a@example.com', recipients: ['b@example.net'], reply: null },
    ]);
  });
});

it('a refused transaction is logged with its reply and the recipients that were tried', async () => {
  await using server = await lab.start({
    listeners: clear,
    handlers: { rcptTo: ({ recipient }) => (recipient.local === 'x' ? reject(no) : undefined), data: () => reject(no) },
  });
  await using client = await loggedIn(server.port);
  client.write('MAIL FROM:<a@example.com>\r\nRCPT TO:<x@example.net>\r\nRCPT TO:<b@example.net>\r\nDATA\r\nNOOP\r\n');
  for (const code of [250, 550, 250, 550, 250]) expect((await client.reply()).code).toBe(code);
  expect(server.refusals).toMatchObject([
    {
      outcome: 'refused',
      ownerId: 'owner-1',
      recipients: ['b@example.net', 'x@example.net'],
      reply: '550 5.7.1 No',
      trace: [{ hook: 'rcptTo' }, { hook: 'rcptTo' }, { hook: 'data', verdict: 'reject' }],
    },
  ]);
});

it('a transaction whose recipients were all refused is logged with why, not with what the client did after', async () => {
  await using server = await lab.start({ listeners: clear, handlers: { rcptTo: () => reject(no) } });
  await using client = await loggedIn(server.port);
  client.write('MAIL FROM:<a@example.com>\r\nRCPT TO:<x@example.net>\r\nDATA\r\nSubject: x\r\nRSET\r\n');
  for (const code of [250, 550, 554, 500, 250]) expect((await client.reply()).code).toBe(code);
  expect(server.refusals).toMatchObject([{ outcome: 'refused', reply: '550 5.7.1 No' }]);
});

describe('a handler', () => {
  it.each([
    'connect',
    'helo',
    'capabilities',
    'auth',
    'mailFrom',
    'rcptTo',
    'data',
    'message',
    'queue',
    'command',
  ] as const)('of %s that throws is answered 4xx, and other sessions notice nothing', async (hook) => {
    let broken = false;
    const fail = (): undefined => {
      if (broken) throw new Error('planted');
      return undefined;
    };
    const queue: TestHandlers['queue'] = async (params) => {
      fail();
      await server.spool.commit(params.session, params.transaction, params.message);
      return accept({ as: 'queued' });
    };
    const handlers: TestHandlers = hook === 'queue' ? { queue } : { [hook]: hook === 'auth' ? undefined : fail };
    await using server = await lab.start({
      listeners: clear,
      handlers:
        hook === 'auth'
          ? { auth: () => fail() ?? accept({ ownerId: 'o', credentialId: 'c', username: 'u' }) }
          : handlers,
    });
    await using other = await loggedIn(server.port);
    broken = true;
    await using client = await SmtpDialogue.open(server.port, { greeting: false });
    client.write(`EHLO x\r\n${goodLogin}\r\nNOOP\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n`);
    await expect.poll(() => /^4\d\d |^354 /m.test(client.heard)).toBe(true);
    if (/^354 /m.test(client.heard)) client.write('Subject: x\r\n\r\n.\r\n');
    await expect.poll(() => /^4\d\d [^\r]*\r\n/m.test(client.heard)).toBe(true);
    expect(client.heard).not.toContain('planted');
    broken = false;
    expect(await other.send('a@example.com', ['b@example.net'], 'Subject: x\r\n\r\n')).toMatchObject({ code: 250 });
  });

  it('that never answers is answered 451 at its deadline; one that answers late changes nothing', async () => {
    const late = Promise.withResolvers<void>();
    await using server = await lab.start({
      listeners: clear,
      timeout: 30,
      handlers: { mailFrom: () => late.promise.then(() => reject(no)) },
    });
    await using client = await loggedIn(server.port);
    expect(await client.command('MAIL FROM:<a@example.com>')).toMatchObject({ code: 451 });
    late.resolve();
    expect(await client.command('NOOP')).toMatchObject({ code: 250 });
  });

  it('hears by its signal that the client is gone', async () => {
    const called = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    await using server = await lab.start({
      listeners: clear,
      handlers: {
        mailFrom: (_params, { signal }) => {
          called.resolve();
          return new Promise((resolve) =>
            signal.addEventListener('abort', () => {
              aborted.resolve();
              resolve(undefined);
            }),
          );
        },
      },
    });
    await using client = await loggedIn(server.port);
    client.write('MAIL FROM:<a@example.com>\r\n');
    await called.promise;
    client.destroy();
    await aborted.promise;
    await expect.poll(() => server.refusals.map(({ outcome }) => outcome)).toEqual(['aborted']);
  });
});

describe('the command hook', () => {
  it.each(['NOOP', 'RSET', 'VRFY x', 'XOWN a b', 'QUIT'])('may answer %s', async (line) => {
    await using server = await lab.start({
      listeners: clear,
      handlers: {
        command: ({ command }) => accept({ reply: reply(250, '2.0.0', `${command.verb}:${command.argument}`) }),
      },
    });
    await using client = await loggedIn(server.port);
    await client.expect(250, 'MAIL FROM:<a@example.com>');
    const [verb, ...words] = line.split(' ');
    expect(await client.command(line)).toEqual({ code: 250, text: `2.0.0 ${verb}:${words.join(' ')}` });
    if (verb === 'RSET') await client.expect(503, 'RCPT TO:<b@example.net>');
    if (verb === 'QUIT') await client.closed();
  });

  it('may answer nothing at all, or refuse', async () => {
    await using server = await lab.start({
      listeners: clear,
      handlers: { command: ({ command }) => (command.verb === 'NOOP' ? accept({ reply: null }) : reject(no)) },
    });
    await using client = await loggedIn(server.port);
    client.write('NOOP\r\nVRFY x\r\n');
    expect(await client.reply()).toMatchObject({ code: 550 });
  });

  it('gets the whole line as it came, before a greeting and between challenges', async () => {
    const got: string[] = [];
    await using server = await lab.start({
      listeners: [{ auth: 'plugin' }],
      handlers: {
        command: ({ command }) => {
          got.push(command.line);
          return accept({ reply: reply(334, null, 'more') });
        },
      },
    });
    await using client = await SmtpDialogue.open(server.port);
    const lines = ['dXNlcm5hbWU=', '  x  Y z ', '', '=', '*', 'noop  Please '];
    for (const line of lines) await client.expect(334, line);
    await client.expect(250, 'EHLO x');
    await client.expect(334, 'auth LOGIN dXNlcg==');
    expect(got).toEqual([...lines, 'auth LOGIN dXNlcg==']);
  });

  it('gets STARTTLS and AUTH where the listener hands them over', async () => {
    const got: string[] = [];
    await using server = await lab.start({
      listeners: [{ starttls: 'plugin', auth: 'plugin' }],
      handlers: {
        command: ({ command }) => {
          got.push(`${command.verb} ${command.argument}`);
          return command.verb === 'AUTH' ? accept({ reply: reply(235, '2.7.0', 'By plugin') }) : undefined;
        },
      },
    });
    await using client = await SmtpDialogue.open(server.port);
    expect((await client.expect(250, 'EHLO x')).text).not.toMatch(/STARTTLS|AUTH/);
    await client.expect(500, 'STARTTLS');
    await client.expect(235, 'AUTH PLAIN abc');
    expect(got).toEqual(['STARTTLS ', 'AUTH PLAIN abc']);
  });
});

describe('transaction notes', () => {
  it('are stored as JSON: live objects by toJSON, and a broken one costs no mail', async () => {
    const broken: Record<string, unknown> = {};
    broken.self = broken;
    const live = { words: ['one'], toJSON: () => ({ words: live.words.length }) };
    await using server = await lab.start({
      listeners: clear,
      handlers: {
        mailFrom: ({ transaction }) =>
          void Object.assign(transaction.notes, { live, broken, call: () => 1, kept: [1] }),
        data: () => void live.words.push('two'),
      },
    });
    await using client = await loggedIn(server.port);
    expect(await client.send('a@example.com', ['b@example.net'], 'Subject: notes\r\n\r\n')).toMatchObject({
      code: 250,
    });
    expect((await lab.accepted())[0]?.record.notes).toEqual({ live: { words: 2 }, kept: [1] });
    expect(server.logged.filter(({ level }) => level === 50)).toMatchObject([
      { err: { message: expect.stringContaining('The note broken ') } },
    ]);
  });
});

describe('the queue hook', () => {
  it('may have relayed the message: its reply becomes ours, and the record is final', async () => {
    await using server = await lab.start({
      listeners: clear,
      handlers: { queue: () => accept({ as: 'relayed', reply: reply(250, '2.6.0', 'next hop has it') }) },
    });
    await using client = await loggedIn(server.port);
    const sent = await client.send('a@example.com', ['b@example.net'], 'Subject: relayed\r\n\r\n');
    expect(sent).toEqual({ code: 250, text: '2.6.0 next hop has it' });
    expect((await lab.accepted())[0]?.record).toMatchObject({ subject: 'relayed', recipients: [{ state: 'relayed' }] });
  });

  it('may have discarded it: recorded as that', async () => {
    await using server = await lab.start({ listeners: clear, handlers: { queue: () => accept({ as: 'discarded' }) } });
    await using client = await loggedIn(server.port);
    expect(await client.send('a@example.com', ['b@example.net'], 'Subject: gone\r\n\r\n')).toMatchObject({ code: 250 });
    expect((await lab.accepted())[0]?.record).toMatchObject({ subject: 'gone', recipients: [{ state: 'discarded' }] });
  });

  it('is not believed when it says queued and has stored nothing', async () => {
    await using server = await lab.start({ listeners: clear, handlers: { queue: () => accept({ as: 'queued' }) } });
    await using client = await loggedIn(server.port);
    expect(await client.send('a@example.com', ['b@example.net'], 'Subject: lost\r\n\r\n')).toMatchObject({ code: 451 });
    expect((await lab.accepted()).filter(({ record }) => record.subject === 'lost')).toEqual([]);
  });

  it('decides although the client has left meanwhile', async () => {
    const begun = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    const ends: string[] = [];
    await using server = await lab.start({
      listeners: clear,
      handlers: {
        queue: async ({ session, transaction, message }) => {
          begun.resolve();
          await left.promise;
          await server.spool.commit(session, transaction, message);
          return accept({ as: 'queued' });
        },
        transactionEnd: ({ outcome }) => void ends.push(outcome),
        disconnect: () => left.resolve(),
      },
    });
    await using client = await loggedIn(server.port);
    client.write('MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n');
    for (let i = 0; i < 3; i++) await client.reply();
    client.write('Subject: left\r\n\r\n.\r\n');
    await begun.promise;
    client.destroy();
    await expect.poll(() => ends).toEqual(['accepted']);
    expect((await lab.accepted())[0]?.record.subject).toBe('left');
  });

  it('that cannot store is answered 452 or 451, and nothing is kept', async () => {
    const errors = ['STORE_FULL', 'STORE_UNAVAILABLE'] as const;
    for (const code of errors) {
      await using server = await lab.start({
        listeners: clear,
        store: { beginBody: () => Promise.reject(new SluiceError(code, 'planted')) },
      });
      await using client = await loggedIn(server.port);
      const large = `Subject: x\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(10_000)}`;
      const sent = await client.send('a@example.com', ['b@example.net'], large);
      expect(sent).toMatchObject({ code: code === 'STORE_FULL' ? 452 : 451 });
      expect(server.refusals).toMatchObject([{ outcome: 'refused' }]);
      await client.expect(250, 'NOOP');
    }
  });
});

describe('a new pipeline', () => {
  it('is taken at the next MAIL; the open transaction keeps the one it has', async () => {
    const seen: string[] = [];
    const version = (name: string): TestHandlers => ({
      mailFrom: () => void seen.push(`${name} mailFrom`),
      rcptTo: () => void seen.push(`${name} rcptTo`),
      connect: () => void seen.push(`${name} connect`),
      helo: ({ name: helo }) => void seen.push(`${name} helo ${helo}`),
    });
    await using server = await lab.start({ listeners: clear, handlers: version('old') });
    await using client = await loggedIn(server.port);
    await client.expect(250, 'MAIL FROM:<a@example.com>');
    server.swap(version('new'), version('changed'));
    await client.expect(250, 'RCPT TO:<b@example.net>');
    await client.expect(250, 'RSET');
    for (let i = 0; i < 2; i++) {
      await client.expect(250, 'MAIL FROM:<a@example.com>');
      await client.expect(250, 'RSET');
    }
    expect(seen).toEqual([
      'old connect',
      'old helo client.example',
      'old mailFrom',
      'old rcptTo',
      'changed connect',
      'changed helo client.example',
      'new mailFrom',
      'new mailFrom',
    ]);
  });

  it('whose changed plugin would not have let the session in refuses its MAIL', async () => {
    await using server = await lab.start({ listeners: clear });
    await using client = await loggedIn(server.port);
    server.swap({}, { helo: () => reject(no) });
    await client.expect(550, 'MAIL FROM:<a@example.com>');
    await client.expect(550, 'MAIL FROM:<a@example.com>');
    await using fresh = await loggedIn(server.port);
    await fresh.expect(250, 'MAIL FROM:<a@example.com>');
  });

  it('ends sessions whose handed-over commands belong to a changed plugin', async () => {
    const command = () => undefined;
    await using server = await lab.start({
      listeners: [{ auth: 'plugin', require_login: false }],
      handlers: { command },
    });
    await using client = await SmtpDialogue.open(server.port);
    await client.expect(250, 'EHLO x');
    server.swap({ command }, { command });
    expect(await client.command('MAIL FROM:<a@example.com>')).toMatchObject({
      code: 421,
      text: expect.stringMatching(/^4\.3\.2/),
    });
    await client.closed();
  });
});

describe('a right that is lost within the session', () => {
  it.each(['MAIL', 'RCPT', 'DATA'])('ends the transaction at %s', async (at) => {
    let usable = true;
    await using server = await lab.start({ listeners: clear, access: { credentialUsable: () => usable } });
    await using client = await loggedIn(server.port);
    const lines = ['MAIL FROM:<a@example.com>', 'RCPT TO:<b@example.net>', 'DATA'];
    const before = (await lab.accepted()).length;
    for (const line of lines) {
      if (line.startsWith(at)) usable = false;
      if (line === 'DATA') {
        await client.expect(354, line);
        break;
      }
      if (!usable) break;
      await client.expect(250, line);
    }
    const refused = await client.command(at === 'DATA' ? '.' : (lines.find((line) => line.startsWith(at)) ?? ''));
    expect(refused).toMatchObject({ code: 550, text: expect.stringMatching(/^5\.7\.1 This login was disabled/) });
    expect((await lab.accepted()).length).toBe(before);
    await client.expect(530, 'MAIL FROM:<a@example.com>');
  });

  it('refuses a login whose credential was revoked', async () => {
    await using server = await lab.start({ listeners: clear, access: { credentialUsable: () => false } });
    await using client = await SmtpDialogue.open(server.port);
    await client.expect(250, 'EHLO x');
    await client.expect(535, goodLogin);
  });

  it('disconnects an address that was blocked, at connect or later', async () => {
    let blocked = false;
    const answer = reply(554, '5.7.1', 'Your address is blocked');
    await using server = await lab.start({
      listeners: clear,
      access: { addressBlocked: () => (blocked ? answer : null) },
    });
    await using client = await loggedIn(server.port);
    blocked = true;
    expect(await client.command('MAIL FROM:<a@example.com>')).toMatchObject({ code: 554 });
    await client.closed();
    await using other = await SmtpDialogue.open(server.port, { greeting: false });
    expect(await other.reply()).toEqual({ code: 554, text: '5.7.1 Your address is blocked' });
    await other.closed();
  });
});
