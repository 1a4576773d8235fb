import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FrontEndLab, goodLogin, openLab } from '../../tests/support/front-end-lab.ts';
import { runPython } from '../../tests/support/python.ts';
import { SmtpDialogue } from '../../tests/support/smtp-dialogue.ts';

let lab: FrontEndLab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const clear = [{ tls: 'none', auth_without_tls: true }] as const;

async function loggedIn(port: number): Promise<SmtpDialogue> {
  const client = await SmtpDialogue.open(port);
  await client.expect(250, 'EHLO x');
  await client.expect(235, goodLogin);
  return client;
}

async function inData(port: number): Promise<SmtpDialogue> {
  const client = await loggedIn(port);
  await client.expect(250, 'MAIL FROM:<a@example.com>');
  await client.expect(250, 'RCPT TO:<b@example.net>');
  await client.expect(354, 'DATA');
  return client;
}

const line = `${'x'.repeat(98)}\r\n`;

describe('the size', () => {
  const limits = { size: '100KB' };

  it('declared too large is refused at MAIL', async () => {
    await using server = await lab.start({ listeners: clear, limits });
    await using client = await loggedIn(server.port);
    expect(await client.command('MAIL FROM:<a@example.com> SIZE=102401')).toMatchObject({
      code: 552,
      text: expect.stringMatching(/^5\.3\.4 .*102400/),
    });
    await client.expect(250, 'MAIL FROM:<a@example.com> SIZE=102400');
  });

  it('is exact: the last octet allowed is taken, the next is not', async () => {
    await using server = await lab.start({ listeners: clear, limits });
    for (const [octets, code] of [
      [102_400, 250],
      [102_401, 552],
    ] as const) {
      await using client = await inData(server.port);
      const head = 'Subject: x\r\n\r\n';
      const body = line.repeat(1_023);
      client.write(`${head}${body}${'y'.repeat(octets - head.length - body.length - 2)}\r\n.\r\n`);
      expect((await client.reply()).code).toBe(code);
      await client.expect(250, 'NOOP');
    }
  });

  it('exceeded stops the storing at once; as much again is read, then 552', async () => {
    let stored = 0;
    let abandoned = 0;
    const messages = lab.store.messages;
    await using server = await lab.start({
      listeners: clear,
      limits: { size: '1MB' },
      store: {
        writeChunk: (id, n, bytes) => {
          stored += bytes.length;
          return messages.writeChunk(id, n, bytes);
        },
        abandonBody: (id) => {
          abandoned++;
          messages.abandonBody(id);
        },
      },
    });
    await using client = await inData(server.port);
    client.write(`Subject: x\r\n\r\n${line.repeat(18_000)}.\r\n`);
    expect(await client.reply()).toMatchObject({ code: 552, text: expect.stringMatching(/^5\.3\.4/) });
    expect(stored).toBeLessThanOrEqual(1024 ** 2);
    expect(abandoned).toBe(1);
    await client.expect(250, 'NOOP');
  });

  it('exceeded without end closes the connection', async () => {
    await using server = await lab.start({ listeners: clear, limits });
    await using client = await inData(server.port);
    client.write(`Subject: x\r\n\r\n${line.repeat(10_000)}`);
    await client.closed();
    expect(client.heard).toMatch(/\r\n552 5\.3\.4 [^\r]*\r\n$/);
    expect(server.refusals).toMatchObject([{ outcome: 'refused', reply: expect.stringMatching(/^552/) }]);
  });

  it("refused is understood by Python's smtplib, which then does not try again", async () => {
    await using server = await lab.start({ listeners: clear, limits });
    const program = `
import smtplib, sys
server = smtplib.SMTP('127.0.0.1', int(sys.argv[1]))
server.login('user', 'secret')
server.esmtp_features.pop('size')
try:
    server.sendmail('a@example.com', ['b@example.com'], 'Subject: x\\r\\n\\r\\n' + ('x' * 98 + '\\r\\n') * 1500)
except smtplib.SMTPDataError as error:
    print(error.smtp_code, error.smtp_error.decode())
print(server.noop()[0])
`;
    const { stdout, stderr } = await runPython(program, [String(server.port)]);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^552 5\.3\.4 .*\n250\n$/);
  });
});

describe('a message', () => {
  it.each([
    ['of a line too long', `Subject: x\r\n\r\n${'x'.repeat(8_193)}`, 554, '5.6.0'],
    ['of too large a header', `${`X: ${'x'.repeat(1_000)}\r\n`.repeat(300)}\r\n`, 552, '5.3.4'],
    ['of too many header fields', `${'X: y\r\n'.repeat(2_001)}\r\n`, 554, '5.6.0'],
    ['in a loop', `${'Received: from x\r\n'.repeat(51)}\r\n`, 554, '5.4.6'],
  ])('%s is refused after its dot, and the session goes on', async (_name, message, code, enhanced) => {
    await using server = await lab.start({ listeners: clear });
    await using client = await inData(server.port);
    client.write(`${message}\r\n.\r\n`);
    expect(await client.reply()).toMatchObject({ code, text: expect.stringMatching(new RegExp(`^${enhanced}`)) });
    await client.expect(250, 'NOOP');
  });
});

describe('the number', () => {
  it('of recipients is limited; those within it are served', async () => {
    await using server = await lab.start({ listeners: clear, limits: { recipients: 2 } });
    await using client = await loggedIn(server.port);
    await client.expect(250, 'MAIL FROM:<a@example.com>');
    await client.expect(250, 'RCPT TO:<b@example.net>');
    await client.expect(250, 'RCPT TO:<c@example.net>');
    expect(await client.command('RCPT TO:<d@example.net>')).toMatchObject({
      code: 452,
      text: expect.stringMatching(/^4\.5\.3/),
    });
    await client.expect(250, 'RCPT TO:<b@example.net>');
    await client.expect(354, 'DATA');
    client.write('Subject: x\r\n\r\n.\r\n');
    expect((await client.reply()).code).toBe(250);
    expect((await lab.accepted())[0]?.record.recipients).toHaveLength(2);
  });

  it('of errors ends the session, behind the last one; a message that is taken forgives', async () => {
    await using server = await lab.start({ listeners: clear, limits: { errors: 3 } });
    await using client = await loggedIn(server.port);
    await client.expect(500, 'X');
    await client.expect(501, 'RSET x');
    expect(await client.send('a@example.com', ['b@example.net'], 'Subject: x\r\n\r\n')).toMatchObject({ code: 250 });
    client.write('X\r\nMAIL FROM:bad\r\nRCPT TO:<b@example.net>\r\nNOOP\r\nNOOP\r\n');
    for (const code of [500, 501, 503]) expect((await client.reply()).code).toBe(code);
    expect(await client.reply()).toMatchObject({ code: 421, text: '4.7.0 Too many errors; closing the connection' });
    await client.closed();
  });

  it('of connections is limited by address and in all, and free again when one closes', async () => {
    await using server = await lab.start({ limits: { connections_per_address: 2, connections: 3 } });
    const from = (localAddress: string) => SmtpDialogue.open(server.port, { localAddress, greeting: false });
    const opened = [];
    const codes: number[] = [];
    for (const address of ['127.0.0.1', '127.0.0.1', '127.0.0.1', '127.0.0.2', '127.0.0.3']) {
      const client = await from(address);
      opened.push(client);
      codes.push((await client.reply()).code);
    }
    expect(codes).toEqual([220, 220, 421, 220, 421]);
    expect(server.frontEnd.connections()).toBe(3);
    opened[0]?.destroy();
    await expect.poll(() => server.frontEnd.connections()).toBe(2);
    await using again = await from('127.0.0.1');
    expect((await again.reply()).code).toBe(220);
    for (const client of opened) client.destroy();
    await expect.poll(() => server.frontEnd.connections()).toBe(1);
  });

  it('of bytes in a line without end is limited', async () => {
    await using server = await lab.start();
    await using client = await SmtpDialogue.open(server.port);
    client.write('x'.repeat(100_000));
    await client.closed();
    expect(client.heard).toMatch(/\r\n421 /);
  });
});

it('no room for mail is said at MAIL, and ends with the shortage', async () => {
  let room = false;
  await using server = await lab.start({ listeners: clear, store: { hasRoom: () => room } });
  await using client = await loggedIn(server.port);
  expect(await client.command('MAIL FROM:<a@example.com>')).toMatchObject({
    code: 452,
    text: expect.stringMatching(/^4\.3\.1/),
  });
  room = true;
  await client.expect(250, 'MAIL FROM:<a@example.com>');
});

it('a client that reads no replies is not read either', async () => {
  await using server = await lab.start({ limits: { command_timeout: '300ms', errors: 1_000_000 } });
  const { connect } = await import('node:net');
  const socket = connect(server.port, '127.0.0.1');
  socket.pause();
  const before = process.memoryUsage().arrayBuffers;
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => {});
  const batch = Buffer.from('HELP\r\n'.repeat(20_000));
  let sent = 0;
  const send = (): void => {
    while (sent < 40_000_000 && !socket.destroyed) {
      sent += batch.length;
      if (!socket.write(batch)) return void socket.once('drain', send);
    }
  };
  send();
  await expect.poll(() => server.frontEnd.connections(), { timeout: 10_000 }).toBe(0);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(60_000_000);
  socket.destroy();
  await closed;
});
