import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { createServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CaptureSink, type CaptureSinkOptions, startCaptureSink } from '../../tests/support/capture-sink.ts';
import { type RelayLab, startRelayLab } from '../../tests/support/relay-lab.ts';
import { selfSigned } from '../../tests/support/self-signed.ts';
import { at } from '../../tests/support/sink-script.ts';
import { type TemporaryFolder, temporaryFolder } from '../../tests/support/temporary-folder.ts';

/* What it takes to get a session: TLS as configured or not at all, login as configured or not at all. */

let folder: TemporaryFolder;
let certificate: string;
let tls: { cert: Buffer; key: Buffer };

beforeAll(async () => {
  folder = await temporaryFolder('sessions');
  const files = await selfSigned(folder.path);
  certificate = files.certificate;
  tls = { cert: readFileSync(files.certificate), key: readFileSync(files.key) };
});
afterAll(() => folder.remove());

async function relay(
  sinkOptions: CaptureSinkOptions,
  upstream: Record<string, unknown>,
): Promise<{ sink: CaptureSink; lab: RelayLab } & AsyncDisposable> {
  const sink = await startCaptureSink(sinkOptions);
  const settings = { name: 'default', host: '127.0.0.1', port: sink.port, tls_server_name: 'localhost', ...upstream };
  const lab = await startRelayLab({ upstreams: [settings] });
  return {
    sink,
    lab,
    async [Symbol.asyncDispose]() {
      await lab[Symbol.asyncDispose]();
      await sink.stop();
    },
  };
}

/** What is expected of mail that no session can be had for: nothing sent, nothing lost, no attempt counted, an alarm. */
async function waits({ sink, lab }: { sink: CaptureSink; lab: RelayLab }, reply: RegExp): Promise<void> {
  const id = await lab.submit();
  const after = await lab.until(id, ({ lastReply }) => lastReply !== null);
  expect(after.recipients[0]).toMatchObject({ state: 'deferred', attempts: 0, postponed: true, upstream: 'default' });
  expect(after.recipients[0]?.lastReply).toMatch(reply);
  expect(lab.health.get('default')).toMatchObject({ state: 'down', lastError: expect.stringMatching(reply) });
  expect(sink.mails).toHaveLength(0);
}

async function delivers({ sink, lab }: { sink: CaptureSink; lab: RelayLab }): Promise<string> {
  const id = await lab.submit();
  const after = await lab.until(id, ({ lastReply }) => lastReply !== null);
  expect(after.recipients[0]).toMatchObject({ state: 'delivered', attempts: 1 });
  expect(sink.mails).toHaveLength(1);
  expect(lab.health.get('default')).toMatchObject({ state: 'up', target: expect.stringContaining('127.0.0.1:') });
  return id;
}

describe('STARTTLS', () => {
  test('with a certificate that is trusted, mail goes encrypted, and the log says so', async () => {
    await using up = await relay({ tls }, { tls: 'starttls', tls_ca: certificate });
    const id = await delivers(up);
    const [attempt] = await up.lab.storage.mailLog.attempts(id);
    expect(attempt).toMatchObject({ phase: 'done', tls: expect.stringMatching(/^TLSv1\.3 TLS_/) });
    expect(attempt?.host).toBe(`127.0.0.1:${up.sink.port}`);
  });

  test('not offered though required: nothing in clear', async () => {
    const verbs: string[] = [];
    const script = ({ line }: { line: string }) => {
      verbs.push(line.split(' ')[0] ?? '');
      return undefined;
    };
    await using up = await relay({ script }, { tls: 'starttls' });
    await waits(up, /TLS failed/);
    expect(verbs).not.toContain('MAIL');
  });

  test('refused though offered: nothing in clear', async () => {
    await using up = await relay(
      { tls, script: at('starttls', { reply: '454 4.7.0 no TLS today' }) },
      { tls: 'starttls' },
    );
    await waits(up, /no TLS today/);
  });

  test('with a certificate nobody vouches for: deferred', async () => {
    await using up = await relay({ tls }, { tls: 'starttls' });
    await waits(up, /TLS failed.*self-signed/);
  });

  test('for another name than the certificate bears: deferred', async () => {
    const upstream = { tls: 'starttls', tls_ca: certificate, tls_server_name: 'other.example' };
    await using up = await relay({ tls }, upstream);
    await waits(up, /TLS failed/);
  });

  test('unverified where the settings say so', async () => {
    await using up = await relay({ tls }, { tls: 'starttls', tls_verify: false });
    await delivers(up);
  });

  test('a reply slipped in before the handshake is not heard', async () => {
    await using up = await relay(
      { tls, script: ({ phase }) => (phase === 'starttls' ? { reply: '220 go\r\n250 injected' } : undefined) },
      { tls: 'starttls', tls_ca: certificate, timeouts: { connect: '500ms' } },
    );
    // The scripted 220 begins no handshake at this sink: what matters is that nothing is taken for an EHLO reply.
    await waits(up, /TLS failed/);
  });
});

describe('TLS from the first octet', () => {
  test('is spoken where the settings say so', async () => {
    const sink = await startCaptureSink();
    const server = createServer(tls, (socket) => {
      const inner = connect(sink.port, '127.0.0.1');
      socket.pipe(inner).pipe(socket);
      for (const end of [socket, inner]) end.on('error', () => {});
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    {
      const upstream = { name: 'default', host: '127.0.0.1', port, tls: 'tls', tls_ca: certificate };
      await using lab = await startRelayLab({ upstreams: [{ ...upstream, tls_server_name: 'localhost' }] });
      await delivers({ sink, lab });
    }
    server.close();
    await sink.stop();
  });

  test('against a server that speaks in clear: deferred', async () => {
    await using up = await relay({}, { tls: 'tls' });
    await waits(up, /TLS failed/);
  });
});

describe('login', () => {
  const login = { username: 'relay', password: 'secret', tls: 'none' };
  const offered = ['PIPELINING', 'AUTH PLAIN LOGIN'];

  test.each(['AUTH PLAIN', 'AUTH LOGIN'])('by %s', async (mechanisms) => {
    const seen: string[] = [];
    const script = ({ phase, line }: { phase: string; line: string }) => {
      if (phase === 'auth') seen.push(line);
      return undefined;
    };
    await using up = await relay({ extensions: ['PIPELINING', mechanisms], script }, login);
    await delivers(up);
    await up.lab.submit();
    await up.sink.received(2);
    expect(up.sink.connections.total).toBe(1);
    expect(seen[0]).toMatch(mechanisms);
    expect(seen).toHaveLength(mechanisms === 'AUTH PLAIN' ? 1 : 3);
  });

  test("refused: our fault, not the message's", async () => {
    await using up = await relay({ extensions: offered, script: at('auth', { reply: '535 5.7.8 wrong' }) }, login);
    await waits(up, /535 5\.7\.8 wrong/);
  });

  test('not offered: never skipped, never sent unasked', async () => {
    await using up = await relay({}, login);
    await waits(up, /login failed.*no AUTH/);
  });

  test('asked for at MAIL: our fault, and every later mail waits', async () => {
    await using up = await relay({ script: at('mail', { reply: '530 5.7.0 authentication required' }) }, {});
    await waits(up, /530 5\.7\.0/);
    const next = await up.lab.submit();
    const after = await up.lab.until(next, ({ lastReply }) => lastReply !== null);
    expect(after.recipients[0]).toMatchObject({
      state: 'deferred',
      attempts: 0,
      lastReply: expect.stringMatching(/^451 4\.4\.1/),
    });
  });
});

test('a greeting of 5xx is our fault; mail waits and an operator is told', async () => {
  await using up = await relay({ script: at('connect', { reply: '554 5.7.1 you are on a list' }) }, {});
  await waits(up, /no greeting.*554 5\.7\.1 you are on a list/);
});
