import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FrontEndLab, goodLogin, openLab } from '../../tests/support/front-end-lab.ts';
import { SmtpDialogue } from '../../tests/support/smtp-dialogue.ts';

let lab: FrontEndLab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

describe('STARTTLS', () => {
  it.each([
    ['in the same packet', true],
    ['in packets of their own', false],
  ])('drops commands that came in clear behind it, %s', async (_name, together) => {
    const heloNames: string[] = [];
    await using server = await lab.start({ handlers: { helo: ({ name }) => void heloNames.push(name) } });
    const socket = connect(server.port, '127.0.0.1').setNoDelay(true);
    const injected = 'EHLO injected\r\nRSET\r\nNOOP\r\n'.repeat(60);
    const heard: string[] = [];
    socket.setEncoding('latin1').on('data', (text: string) => heard.push(text));
    await expect.poll(() => heard.join('')).toMatch(/^220 /);
    if (together) socket.write(`STARTTLS\r\n${injected}`);
    else {
      socket.write('STARTTLS\r\n');
      for (const line of injected.split('\r\n', 20)) socket.write(`${line}\r\n`);
    }
    await expect.poll(() => heard.join('')).toContain('220 2.0.0 Ready');
    socket.removeAllListeners('data').setEncoding();
    const secure = connectTls({ socket, rejectUnauthorized: false });
    const first = await new Promise<string>((resolve) => {
      secure.once('error', () => resolve('handshake failed'));
      secure.once('close', () => resolve('closed'));
      secure.once('secureConnect', () => secure.write('NOOP\r\n'));
      secure.once('data', (bytes: Buffer) => resolve(bytes.toString()));
    });
    // Either the handshake fails over the clear text, or TLS begins with nothing remembered: never is a reply to it heard.
    expect(['handshake failed', 'closed', '250 2.0.0 OK\r\n']).toContain(first);
    expect(heloNames).toEqual([]);
    secure.destroy();
  });

  it('forgets HELO, login and transaction', async () => {
    await using server = await lab.start({ listeners: [{ auth_without_tls: true }] });
    await using client = await SmtpDialogue.open(server.port);
    await client.expect(250, 'EHLO x');
    await client.expect(235, goodLogin);
    await client.expect(250, 'MAIL FROM:<a@example.com>');
    await client.startTls();
    await client.expect(503, 'RCPT TO:<b@example.net>');
    await client.expect(503, 'MAIL FROM:<a@example.com>');
    await client.expect(250, 'EHLO x');
    await client.expect(530, 'MAIL FROM:<a@example.com>');
    await client.expect(235, goodLogin);
    await client.expect(503, 'STARTTLS');
    expect(server.refusals.map(({ outcome }) => outcome)).toEqual(['reset', 'refused']);
  });

  it('takes no argument, and is not there where the listener has none', async () => {
    await using server = await lab.start({ listeners: [{ name: 'tls' }, { name: 'none', tls: 'none' }] });
    await using client = await SmtpDialogue.open(server.ports.tls ?? 0);
    await client.expect(501, 'STARTTLS now');
    await using other = await SmtpDialogue.open(server.ports.none ?? 0);
    await other.expect(500, 'STARTTLS');
  });

  it('that fails ends this connection only', async () => {
    await using server = await lab.start();
    await using client = await SmtpDialogue.open(server.port);
    await using other = await SmtpDialogue.open(server.port);
    await client.expect(220, 'STARTTLS');
    client.write('this is no handshake at all, whoever reads it\r\n');
    await client.closed();
    await other.expect(250, 'NOOP');
    await expect.poll(() => server.frontEnd.connections()).toBe(1);
  });
});

describe('TLS', () => {
  it.each(['TLSv1', 'TLSv1.1'] as const)('%s is too old', async (version) => {
    await using server = await lab.start({ listeners: [{ tls: 'implicit' }] });
    const outcome = await new Promise<string>((resolve) => {
      const socket = connectTls({
        port: server.port,
        rejectUnauthorized: false,
        minVersion: version,
        maxVersion: version,
        ciphers: 'DEFAULT@SECLEVEL=0',
      });
      socket.once('secureConnect', () => resolve('connected'));
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    });
    expect(outcome).toMatch(/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/);
  });

  it('may be held to 1.3', async () => {
    await using server = await lab.start({ listeners: [{ tls: 'implicit' }], tls: { minimum_version: 'TLSv1.3' } });
    const protocol = (maxVersion: 'TLSv1.2' | 'TLSv1.3') =>
      new Promise<string | null>((resolve) => {
        const socket = connectTls({ port: server.port, rejectUnauthorized: false, maxVersion });
        socket.once('secureConnect', () => {
          resolve(socket.getProtocol());
          socket.destroy();
        });
        socket.once('error', () => resolve('refused'));
      });
    expect(await protocol('TLSv1.2')).toBe('refused');
    expect(await protocol('TLSv1.3')).toBe('TLSv1.3');
  });
});
