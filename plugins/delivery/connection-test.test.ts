import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { upstreamSchema } from '../../core/config/upstream-schema.ts';
import { type CaptureSinkOptions, startCaptureSink } from '../../tests/support/capture-sink.ts';
import { selfSigned } from '../../tests/support/self-signed.ts';
import { at } from '../../tests/support/sink-script.ts';
import { type TemporaryFolder, temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { testConnection } from './connection-test.ts';
import { type SmtpSettings, upstreamSettings } from './upstream-settings.ts';

let folder: TemporaryFolder;
let certificate: string;
let tls: { cert: Buffer; key: Buffer };
beforeAll(async () => {
  folder = await temporaryFolder('connection-test');
  const files = await selfSigned(folder.path);
  certificate = files.certificate;
  tls = { cert: readFileSync(files.certificate), key: readFileSync(files.key) };
});
afterAll(() => folder.remove());

function settingsOf(port: number, change: Record<string, unknown> = {}): SmtpSettings {
  const upstream = upstreamSchema.parse({
    name: 'one',
    host: '127.0.0.1',
    port,
    tls_server_name: 'localhost',
    ...change,
  });
  const [settings] = upstreamSettings({ upstreams: [upstream] });
  if (settings?.type !== 'smtp') throw new RangeError('no smtp upstream');
  return settings;
}

async function tried(sinkOptions: CaptureSinkOptions, change: Record<string, unknown> = {}) {
  await using sink = await startCaptureSink(sinkOptions);
  const verbs: string[] = [];
  const given = sinkOptions.script;
  sink.behave((question) => {
    verbs.push(question.line.split(' ')[0] ?? '');
    return given?.(question);
  });
  const result = await testConnection({ settings: settingsOf(sink.port, change), networks: null }, 'relay.test');
  return { result, verbs, port: sink.port, mails: sink.mails.length };
}

describe('a session that can be had', () => {
  test('tells what the upstream can do, and sends no mail', async () => {
    const { result, verbs, port, mails } = await tried({ extensions: ['PIPELINING', 'SIZE 1000'] });
    expect(result).toMatchObject({
      ok: true,
      phase: 'done',
      address: `127.0.0.1:${port}`,
      tls: null,
      capabilities: ['PIPELINING', 'SIZE 1000'],
      reply: expect.stringMatching(/^250/),
      error: null,
    });
    expect(verbs).not.toContain('MAIL');
    expect(mails).toBe(0);
  });

  test('tells what TLS was like', async () => {
    const { result } = await tried({ tls }, { tls: 'starttls', tls_ca: certificate });
    expect(result).toMatchObject({
      ok: true,
      tls: { protocol: 'TLSv1.3', cipher: expect.stringMatching(/^TLS_/), trusted: true, subject: 'localhost' },
    });
    expect(result.tls?.validUntil).toBeGreaterThan(Date.now());
  });

  test('says when a certificate is taken that nobody vouches for', async () => {
    const { result } = await tried({ tls }, { tls: 'starttls', tls_verify: false });
    expect(result).toMatchObject({ ok: true, tls: { trusted: false, issuer: 'localhost' } });
  });
});

describe('a session that cannot be had says how far it came', () => {
  test('nobody listens', async () => {
    const sink = await startCaptureSink();
    await sink.stop();
    const result = await testConnection({ settings: settingsOf(sink.port), networks: null }, 'relay.test');
    expect(result).toMatchObject({
      ok: false,
      phase: 'connect',
      reply: null,
      error: expect.stringMatching(/ECONNREFUSED/),
    });
  });

  test('the upstream refuses the greeting', async () => {
    const { result } = await tried({ script: at('connect', { reply: '554 5.7.1 go away' }) });
    expect(result).toMatchObject({ ok: false, phase: 'greeting', reply: '554 5.7.1 go away' });
  });

  test('no TLS though it is asked for: nothing goes in clear', async () => {
    const { result, verbs } = await tried({}, { tls: 'starttls', username: 'u', password: 'planted' });
    expect(result).toMatchObject({ ok: false, phase: 'tls', tls: null });
    expect(verbs).not.toContain('AUTH');
  });

  test('a certificate that nobody vouches for', async () => {
    const { result } = await tried({ tls }, { tls: 'starttls' });
    expect(result).toMatchObject({ ok: false, phase: 'tls', error: expect.stringMatching(/self.signed/i) });
  });

  test('a login that is refused; what TLS was like is told all the same, and no password', async () => {
    const { result } = await tried(
      { tls, extensions: ['AUTH PLAIN'], script: at('auth', { reply: '535 5.7.8 no' }) },
      { tls: 'starttls', tls_ca: certificate, username: 'u', password: 'planted' },
    );
    expect(result).toMatchObject({ ok: false, phase: 'auth', reply: '535 5.7.8 no', tls: { trusted: true } });
    expect(result.capabilities).toEqual(['AUTH PLAIN']);
    expect(JSON.stringify(result)).not.toMatch(/planted|cGxhbnRlZ|AHU/);
  });

  test('an upstream that says nothing, after the time for connecting', async () => {
    const { result } = await tried({ script: at('ehlo', { stall: true }) }, { timeouts: { connect: '200ms' } });
    expect(result).toMatchObject({
      ok: false,
      error: expect.stringMatching(/no answer in time|timeout|never received/i),
    });
  });

  test('what speaks no SMTP is not repeated', async () => {
    const server = createServer((socket) => socket.end('secret of another service\r\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const bound = server.address();
    try {
      const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
      const result = await testConnection({ settings: settingsOf(port), networks: null }, 'relay.test');
      expect(result).toMatchObject({ ok: false, phase: 'greeting' });
      expect(JSON.stringify(result)).not.toContain('secret');
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test('a file of authorities that is not there', async () => {
    const { result } = await tried({ tls }, { tls: 'starttls', tls_ca: '/nowhere/at-all.pem' });
    expect(result).toMatchObject({ ok: false, error: expect.stringMatching(/at-all\.pem/) });
  });
});

describe('where it does not go', () => {
  test.each([
    '169.254.169.254',
    '169.254.0.1',
    '0.0.0.0',
    '::',
    'fe80::1',
    'fd00:ec2::254',
    '::ffff:169.254.169.254',
    '224.0.0.1',
  ])('%s', async (host) => {
    const result = await testConnection({ settings: settingsOf(25, { host }), networks: null }, 'relay.test');
    expect(result).toMatchObject({ ok: false, phase: 'connect', address: null });
    expect(result.error).toContain('leads to no address that may be spoken to');
  });

  test('outside the networks that are allowed, a name that leads there included', async () => {
    await using sink = await startCaptureSink();
    for (const host of ['127.0.0.1', 'localhost']) {
      const settings = settingsOf(sink.port, { host });
      const result = await testConnection({ settings, networks: ['192.0.2.0/24'] }, 'relay.test');
      expect(result).toMatchObject({ ok: false, address: null });
    }
    expect(sink.connections.total).toBe(0);
    const settings = settingsOf(sink.port);
    expect(await testConnection({ settings, networks: ['127.0.0.0/8'] }, 'relay.test')).toMatchObject({ ok: true });
  });
});
