import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { systemClock } from '../../core/domain/clock.ts';
import type { NextHop } from '../../core/domain/next-hop.ts';
import { createLog } from '../../core/observability/log.ts';
import { accept, contractVersion, definePlugin, type Plugin } from '../../core/pipeline/plugin.ts';
import { recipient } from '../../tests/contract/mail.ts';
import { startCaptureSink } from '../../tests/support/capture-sink.ts';
import { freePort } from '../../tests/support/free-port.ts';
import { startRelayLab } from '../../tests/support/relay-lab.ts';
import { selfSigned } from '../../tests/support/self-signed.ts';
import { at } from '../../tests/support/sink-script.ts';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { NextHops } from './next-hops.ts';

const tried = ({ lastReply }: { lastReply: string | null }) => lastReply !== null;
const to = (port: number, more: Partial<NextHop> = {}): NextHop => ({ host: '127.0.0.1', port, tls: 'none', ...more });

/** A plugin that sends each recipient where `hops` says; nothing: as configured. */
const router = (hops: (address: string) => readonly NextHop[] | undefined): Plugin =>
  definePlugin({
    name: 'router',
    version: '1.0.0',
    contract: contractVersion,
    summary: 'Routes of a test',
    roles: ['worker'],
    config: z.strictObject({}),
    needs: {},
    init: () => ({
      hooks: {
        route: ({ record, recipient: index }) => {
          const nextHops = hops(record.recipients[index]?.address ?? '');
          return nextHops === undefined ? undefined : accept({ nextHops, upstreams: [] });
        },
      },
    }),
  }) as unknown as Plugin;

async function certificate() {
  await using folder = await temporaryFolder('certificate');
  const { certificate: cert, key } = await selfSigned(folder.path);
  return { cert: await readFile(cert), key: await readFile(key) };
}

const labWith = (...hops: readonly NextHop[]) => startRelayLab({ plugins: [router(() => hops)] });

test('mail goes to the server that a plugin names, and the log calls it by host and port', async () => {
  await using sink = await startCaptureSink();
  await using lab = await labWith(to(sink.port, { ehloName: 'me.example' }));
  const id = await lab.submit({ recipients: [recipient('a@one.example'), recipient('b@two.example')] });
  const after = await lab.until(id, tried);
  const name = `127.0.0.1:${sink.port}`;
  expect(after.recipients).toMatchObject([
    { state: 'delivered', upstream: name },
    { state: 'delivered', upstream: name },
  ]);
  expect(sink.mails).toMatchObject([{ recipients: ['a@one.example', 'b@two.example'] }]);
  expect(await lab.storage.mailLog.attempts(id)).toMatchObject([{ upstream: name, host: name, phase: 'done' }]);
  expect(lab.health.has(name)).toBe(false);
});

test('each recipient has its own, and the others go as configured', async () => {
  await using sink = await startCaptureSink();
  const plugin = router((address) => (address.startsWith('there') ? [to(sink.port)] : undefined));
  await using lab = await startRelayLab({ plugins: [plugin] });
  const id = await lab.submit({ recipients: [recipient('there@example.com'), recipient('here@example.com')] });
  const after = await lab.until(id, tried);
  expect(after.recipients.map(({ state }) => state)).toEqual(['delivered', 'captured']);
});

test('connections are kept and used again', async () => {
  await using sink = await startCaptureSink();
  await using lab = await labWith(to(sink.port));
  for (let n = 0; n < 5; n++) await lab.until(await lab.submit(), tried);
  expect(sink.mails).toHaveLength(5);
  expect(sink.connections.total).toBe(1);
});

test('the next in the list takes over, and what nobody takes waits', async () => {
  await using sink = await startCaptureSink();
  const dead = await freePort();
  await using lab = await labWith(to(dead), to(sink.port));
  const id = await lab.submit();
  expect((await lab.until(id, tried)).recipients[0]).toMatchObject({ state: 'delivered' });
  expect((await lab.storage.mailLog.attempts(id)).map(({ upstream }) => upstream)).toEqual([
    `127.0.0.1:${dead}`,
    `127.0.0.1:${sink.port}`,
  ]);
  await sink.stop();
  const waiting = await lab.until(await lab.submit(), tried);
  expect(waiting.recipients[0]).toMatchObject({ state: 'deferred', attempts: 0, postponed: true });
});

test('a refusal bounces, as from any upstream', async () => {
  await using sink = await startCaptureSink({ script: at('rcpt', { reply: '550 5.1.1 nobody' }) });
  await using lab = await labWith(to(sink.port));
  const after = await lab.until(await lab.submit(), tried);
  expect(after.recipients[0]).toMatchObject({ state: 'bounced', lastReply: '550 5.1.1 nobody' });
});

test('TLS is used where it is offered, with any certificate; a policy of its own refuses that', async () => {
  await using sink = await startCaptureSink({ tls: await certificate() });
  {
    await using lab = await labWith(to(sink.port, { tls: 'opportunistic' }));
    const id = await lab.submit();
    expect((await lab.until(id, tried)).recipients[0]).toMatchObject({ state: 'delivered' });
    expect((await lab.storage.mailLog.attempts(id))[0]?.tls).toContain('TLSv1.3');
  }
  await using strict = await labWith(to(sink.port, { tls: 'starttls' }));
  expect((await strict.until(await strict.submit(), tried)).recipients[0]).toMatchObject({ state: 'deferred' });
  expect(sink.mails).toHaveLength(1);
});

test('a server whose TLS fails is spoken to in clear where that is allowed', async () => {
  await using sink = await startCaptureSink({ tls: await certificate() });
  sink.behave(at('starttls', { reply: '220 go on', drop: true }));
  await using lab = await labWith(to(sink.port, { tls: 'opportunistic' }));
  const id = await lab.submit();
  await lab.until(id, tried);
  // Its time comes by itself within seconds.
  expect((await lab.until(id, ({ state }) => state === 'delivered')).recipients[0]).toMatchObject({ attempts: 1 });
  const attempts = await lab.storage.mailLog.attempts(id);
  expect(attempts.map(({ phase, tls }) => [phase, tls])).toEqual([
    ['tls', null],
    ['done', null],
  ]);
});

interface Session {
  readonly user: string | undefined;
  readonly recipients: string[];
  readonly text: string;
}

/** A real LMTP or SMTP server that remembers what it took, and answers for each recipient as `judge` says. */
async function startServer(options: SMTPServerOptions, judge: (address: string) => Error | null, place?: string) {
  const taken: Session[] = [];
  const server = new SMTPServer({
    logger: false,
    ...options,
    onData(stream, session, callback) {
      const pieces: Buffer[] = [];
      stream.on('data', (piece: Buffer) => pieces.push(piece));
      stream.once('end', () => {
        const recipients = session.envelope.rcptTo.map(({ address }) => address);
        taken.push({ user: session.user, recipients, text: Buffer.concat(pieces).toString() });
        const answers = recipients.map((address) => judge(address) ?? 'taken');
        // With `lmtp` it takes one answer a recipient, which its types do not say.
        const answer = callback as (error: null, answers: unknown) => void;
        answer(null, options.lmtp === true ? answers : 'taken');
      });
    },
  });
  server.listen(...((place === undefined ? [0, '127.0.0.1'] : [place]) as [number, string]));
  await once(server.server, 'listening');
  return {
    taken,
    port: (server.server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => server.close(resolve));
    },
  };
}

const refusal = (code: number, text: string) => Object.assign(new Error(text), { responseCode: code });
const judge = (address: string): Error | null => {
  if (address.startsWith('never')) return refusal(550, '5.2.1 closed');
  return address.startsWith('later') ? refusal(452, '4.2.2 full') : null;
};
const three = ['never@example.com', 'now@example.com', 'later@example.com'];

test.each(['TCP', 'a Unix socket'])('LMTP over %s: each recipient has the reply of its own', async (how) => {
  await using folder = await temporaryFolder('lmtp');
  const path = how === 'TCP' ? undefined : join(folder.path, 'lmtp');
  await using server = await startServer(
    { lmtp: true, authOptional: true, disabledCommands: ['STARTTLS'] },
    judge,
    path,
  );
  const hop = path === undefined ? to(server.port, { lmtp: true }) : to(0, { lmtp: true, path });
  await using lab = await labWith(hop);
  const facts = { sender: '' };
  const id = await lab.submit({ facts, recipients: three.map((address) => recipient(address)) });
  const after = await lab.until(id, tried);
  expect(after.recipients.map(({ state, lastReply }) => [state, lastReply?.slice(0, 9)])).toEqual([
    ['bounced', '550 5.2.1'],
    ['delivered', '250 taken'],
    ['deferred', '452 4.2.2'],
  ]);
  expect(server.taken).toMatchObject([{ recipients: three }]);
  // The session goes on in step.
  await lab.until(await lab.submit(), tried);
  expect(server.taken).toHaveLength(2);
  const [attempt] = await lab.storage.mailLog.attempts(id);
  expect(attempt?.upstream).toBe(path === undefined ? `127.0.0.1:${server.port}` : `unix:${path}`);
});

test('an LMTP server that goes away between its replies leaves open only what it did not answer', async () => {
  await using sink = await startCaptureSink({
    script: ({ phase, line }) => {
      if (line.startsWith('LHLO')) return { reply: '250 sink.test' };
      return phase === 'dot' ? { reply: '250 2.0.0 first', drop: true } : undefined;
    },
  });
  await using lab = await labWith(to(sink.port, { lmtp: true }));
  const id = await lab.submit({ recipients: [recipient('a@example.com'), recipient('b@example.com')] });
  const after = await lab.until(id, tried);
  expect(after.recipients).toMatchObject([{ state: 'delivered' }, { state: 'deferred', ambiguous: true }]);
});

test('a socket that is not there holds its mail back', async () => {
  await using lab = await labWith(to(0, { path: '/nowhere/lmtp', lmtp: true }));
  const after = await lab.until(await lab.submit(), tried);
  expect(after.recipients[0]).toMatchObject({ state: 'deferred', lastReply: expect.stringContaining('ENOENT') });
});

test.each(['PLAIN', 'LOGIN', 'CRAM-MD5'])('a login by %s', async (method) => {
  const onAuth: SMTPServerOptions['onAuth'] = (auth, _, callback) => {
    const right = auth.validatePassword?.('secret') ?? auth.password === 'secret';
    if (right) callback(null, { user: `${auth.username} by ${auth.method}` });
    else callback(new Error('no'));
  };
  const options = { authMethods: ['PLAIN', 'LOGIN', 'CRAM-MD5'], allowInsecureAuth: true, onAuth };
  await using server = await startServer({ ...options, disabledCommands: ['STARTTLS'] }, () => null);
  await using lab = await labWith(to(server.port, { login: { username: 'me', password: 'secret', method } }));
  expect((await lab.until(await lab.submit(), tried)).recipients[0]).toMatchObject({ state: 'delivered' });
  expect(server.taken[0]?.user).toBe(`me by ${method}`);
});

test('any number of servers may be named: those not in use are forgotten', () => {
  const board = { report: () => {} };
  const hops = new NextHops({ hostname: 'relay.test', clock: systemClock, board, log: createLog({ level: 'silent' }) });
  const first = hops.use(to(1));
  for (let port = 2; port < 1_000; port++) hops.use(to(port)).done();
  expect(hops.size).toBe(200);
  expect(hops.use(to(1)).upstream).toBe(first.upstream);
  expect(hops.use(to(1, { login: { username: 'other', password: 'x' } })).upstream).not.toBe(first.upstream);
  hops.close();
});
