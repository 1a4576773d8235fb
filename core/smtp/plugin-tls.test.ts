import { connect } from 'node:net';
import { connect as connectTls, createSecureContext, type TLSSocketOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type FrontEndLab,
  type FrontEndOptions,
  openLab,
  type RunningFrontEnd,
} from '../../tests/support/front-end-lab.ts';
import { SmtpDialogue } from '../../tests/support/smtp-dialogue.ts';
import { reply } from '../domain/reply.ts';
import type { Session } from '../pipeline/session.ts';
import type { Secured, SessionControl } from '../pipeline/session-control.ts';
import { accept } from '../pipeline/verdict.ts';
import { makeSelfSigned } from './self-signed.ts';

let lab: FrontEndLab;
let pair: { cert: string; key: string };
beforeAll(async () => {
  lab = await openLab();
  pair = await makeSelfSigned('plugin.example');
});
afterAll(() => lab[Symbol.asyncDispose]());

interface Upgraded {
  readonly server: RunningFrontEnd;
  readonly secured: Secured[];
  readonly failures: unknown[];
  readonly sessions: Session[];
  readonly ends: string[];
}

/** A server whose plugin answers STARTTLS with these options. */
async function upgrading(options: () => TLSSocketOptions, given: FrontEndOptions = {}): Promise<Upgraded> {
  const secured: Secured[] = [];
  const failures: unknown[] = [];
  const sessions: Session[] = [];
  const ends: string[] = [];
  const controlOf = (session: Session): SessionControl | null => server.sessionControls.of(session);
  const server = await lab.start({
    listeners: [{ starttls: 'plugin', require_login: false }],
    mayGrant: true,
    ...given,
    handlers: {
      connect: ({ session }) => void sessions.push(session),
      capabilities: ({ session, capabilities }) => {
        if (session.tls === null) capabilities.push('STARTTLS');
      },
      command: async ({ session, command }) => {
        if (command.verb !== 'STARTTLS') return undefined;
        const control = controlOf(session);
        control?.send(reply(220, null, 'Go ahead'));
        try {
          const done = await control?.upgrade(options());
          if (done !== undefined) secured.push(done);
        } catch (error) {
          failures.push(error);
        }
        return accept({ reply: null });
      },
      rcptTo: () => ({ do: 'grant', scope: 'local' }),
      transactionEnd: ({ outcome }) => void ends.push(outcome),
    },
  });
  return { server, secured, failures, sessions, ends };
}

describe('a plugin that answers STARTTLS', () => {
  it('secures the session with its own certificate; what was said before is forgotten', async () => {
    const { server, secured, sessions, ends } = await upgrading(() => pair);
    await using _ = server;
    await using client = await SmtpDialogue.open(server.port);
    expect((await client.expect(250, 'EHLO x')).text).toContain('STARTTLS');
    await client.expect(250, 'MAIL FROM:<a@example.com>');
    await client.startTls();
    expect(client.certificate()).toMatchObject({ subject: { CN: 'plugin.example' } });
    await client.expect(503, 'RCPT TO:<b@example.net>');
    await client.expect(503, 'MAIL FROM:<a@example.com>');
    expect((await client.expect(250, 'EHLO y')).text).not.toContain('STARTTLS');
    expect((await client.send('a@example.com', ['b@example.net'], 'Subject: tls\r\n\r\n')).code).toBe(250);
    expect(ends).toEqual(['reset', 'accepted']);
    expect(secured).toMatchObject([
      { authorized: false, authorizationError: null, cipher: { protocol: 'TLSv1.3', name: expect.any(String) } },
    ]);
    expect(sessions[0]?.tls).toEqual({ protocol: 'TLSv1.3', cipher: secured[0]?.cipher.name });
    expect((await lab.accepted())[0]?.record.source).toMatchObject({ tls: 'TLSv1.3', helo: 'y' });
  });

  it.each([true, false])('drops what was pipelined in clear (in the same packet: %s)', async (together) => {
    const { server } = await upgrading(() => pair);
    await using _ = server;
    const socket = connect(server.port, '127.0.0.1').setNoDelay(true);
    const heard: string[] = [];
    socket.setEncoding('latin1').on('data', (text: string) => heard.push(text));
    await expect.poll(() => heard.join('')).toMatch(/^220 /);
    const injected = 'VRFY injected\r\n'.repeat(150);
    socket.write(together ? `STARTTLS\r\n${injected}` : 'STARTTLS\r\n');
    if (!together) socket.write(injected);
    await expect.poll(() => heard.join('')).toContain('220 Go ahead');
    socket.removeAllListeners('data').setEncoding();
    const secure = connectTls({ socket, rejectUnauthorized: false });
    const first = await new Promise<string>((resolve) => {
      secure.once('error', () => resolve('handshake failed'));
      secure.once('close', () => resolve('closed'));
      secure.once('secureConnect', () => secure.write('NOOP\r\n'));
      secure.once('data', (bytes: Buffer) => resolve(bytes.toString()));
    });
    expect(['handshake failed', 'closed', '250 2.0.0 OK\r\n']).toContain(first);
    expect(heard.join('')).not.toContain('252');
    secure.destroy();
  });

  it('asks for a client certificate, and is told whether it is good', async () => {
    const { server, secured } = await upgrading(() => ({ ...pair, ca: pair.cert, requestCert: true }));
    await using _ = server;
    const other = await makeSelfSigned('stranger.example');
    for (const shown of [pair, other, {}]) {
      await using client = await SmtpDialogue.open(server.port);
      await client.startTls(shown);
      await client.expect(250, 'NOOP');
    }
    expect(secured.map(({ authorized }) => authorized)).toEqual([true, false, false]);
    expect(secured[0]?.peerCertificate.subject.CN).toBe('plugin.example');
    expect(secured[1]?.authorizationError?.message).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
    expect(secured[2]?.authorizationError).toBeInstanceOf(Error);
  });

  it('refuses a client without a good certificate where it must have one', async () => {
    const demand = { ca: pair.cert, requestCert: true, rejectUnauthorized: true };
    const { server, secured, failures } = await upgrading(() => ({ ...pair, ...demand }));
    await using _ = server;
    await using client = await SmtpDialogue.open(server.port);
    await client.startTls().catch(() => {});
    await client.closed();
    await expect.poll(() => failures).toHaveLength(1);
    expect(secured).toEqual([]);
  });

  it('chooses the certificate by the name that the client asks for', async () => {
    const named = await makeSelfSigned('named.example');
    const { server } = await upgrading(() => ({
      ...pair,
      SNICallback: (name, done) => done(null, name === 'named.example' ? createSecureContext(named) : undefined),
    }));
    await using _ = server;
    for (const [servername, subject] of [
      ['named.example', 'named.example'],
      ['other.example', 'plugin.example'],
    ]) {
      await using client = await SmtpDialogue.open(server.port);
      await client.startTls({ servername });
      expect(client.certificate()).toMatchObject({ subject: { CN: subject } });
    }
  });

  it('whose handshake fails loses this connection only', async () => {
    const { server, failures } = await upgrading(() => pair);
    await using _ = server;
    await using client = await SmtpDialogue.open(server.port);
    await using other = await SmtpDialogue.open(server.port);
    await client.expect(220, 'STARTTLS');
    client.write('this is no handshake at all, whoever reads it\r\n');
    await client.closed();
    await other.expect(250, 'NOOP');
    await expect.poll(() => server.frontEnd.connections()).toBe(1);
    expect(failures).toHaveLength(1);
    await other.startTls();
    await other.expect(250, 'NOOP');
  });

  it('whose client leaves instead is told so', async () => {
    const { server, failures } = await upgrading(() => pair);
    await using _ = server;
    await using client = await SmtpDialogue.open(server.port);
    await client.expect(220, 'STARTTLS');
    client.destroy();
    await expect.poll(() => failures).toHaveLength(1);
    await expect.poll(() => server.frontEnd.connections()).toBe(0);
  });

  it('with a key that is none loses the connection, since 220 was said', async () => {
    const { server, failures } = await upgrading(() => ({ cert: 'no certificate', key: 'no key' }));
    await using _ = server;
    await using client = await SmtpDialogue.open(server.port);
    await client.expect(220, 'STARTTLS');
    await client.closed();
    await expect.poll(() => failures).toHaveLength(1);
  });

  it('cannot do it twice, and the session goes on', async () => {
    const { server, failures } = await upgrading(() => pair);
    await using _ = server;
    await using client = await SmtpDialogue.open(server.port);
    await client.startTls();
    await client.expect(220, 'STARTTLS');
    await client.expect(250, 'NOOP');
    expect(failures).toMatchObject([{ message: 'TLS is on already' }]);
  });

  it('does not wait for ever for a client that does not shake hands', async () => {
    const { server, failures } = await upgrading(() => pair, { limits: { command_timeout: '100ms' }, timeout: 100 });
    await using _ = server;
    await using client = await SmtpDialogue.open(server.port);
    await client.expect(220, 'STARTTLS');
    await client.closed();
    await expect.poll(() => failures).toHaveLength(1);
  });
});
