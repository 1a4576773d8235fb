import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { waitFor } from '../../tests/support/wait-for.ts';
import { NetworkSet } from '../domain/ip-network.ts';
import type { Resolve } from './destination.ts';
import { WebhookSender } from './webhook-sender.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

interface Received {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A receiver on loopback; answers its port and what it was sent. */
async function receiver(answer: (response: ServerResponse, received: Received) => void) {
  const received: Received[] = [];
  const server = createServer((incoming, response) => {
    const pieces: Buffer[] = [];
    incoming.on('data', (piece: Buffer) => pieces.push(piece));
    incoming.on('end', () => {
      const { method, url: path, headers } = incoming;
      const one = { method, path, headers, body: Buffer.concat(pieces).toString() };
      received.push(one);
      answer(response, one);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { port: (server.address() as AddressInfo).port, received };
}

const ok = (response: ServerResponse) => response.writeHead(204).end();
const loopback = ['127.0.0.0/8', '::1'];
const sender = (change: { allowed?: string[]; timeout?: number; atOnce?: number; resolve?: Resolve } = {}) =>
  new WebhookSender({
    allowed: new NetworkSet(change.allowed ?? loopback),
    timeoutMilliseconds: change.timeout ?? 10_000,
    version: '1.2.3',
    ...(change.atOnce === undefined ? {} : { atOnce: change.atOnce }),
    ...(change.resolve === undefined ? {} : { resolve: change.resolve }),
  });
const post = (one: WebhookSender, url: string, body = '{"a":"ü"}', signal = new AbortController().signal) =>
  one.send(url, { 'webhook-id': 'event_1' }, body, signal);

describe('a delivery', () => {
  test('posts the body and the headers as they are', async () => {
    const { port, received } = await receiver(ok);
    const outcome = await post(sender(), `http://127.0.0.1:${port}/hook?x=1`);
    expect(outcome).toEqual({ ok: true, status: 204, reason: null, gone: false, milliseconds: expect.any(Number) });
    expect(received).toMatchObject([{ method: 'POST', path: '/hook?x=1', body: '{"a":"ü"}' }]);
    expect(received[0]?.headers).toMatchObject({
      'webhook-id': 'event_1',
      'content-type': 'application/json',
      'content-length': '10',
      'user-agent': 'Sluice/1.2.3',
      host: `127.0.0.1:${port}`,
    });
  });

  test.each([
    [400, 'HTTP 400', false],
    [500, 'HTTP 500', false],
    [410, 'HTTP 410', true],
  ])('that is answered %d is no success', async (status, reason, gone) => {
    const { port } = await receiver((response) => response.writeHead(status).end('x'.repeat(100)));
    expect(await post(sender(), `http://127.0.0.1:${port}/`)).toMatchObject({ ok: false, status, reason, gone });
  });

  test('follows nobody elsewhere', async () => {
    const other = await receiver(ok);
    const { port } = await receiver((response) =>
      response.writeHead(307, { location: `http://127.0.0.1:${other.port}/` }).end(),
    );
    const outcome = await post(sender(), `http://127.0.0.1:${port}/`);
    expect(outcome).toMatchObject({ ok: false, status: 307, reason: 'HTTP 307: redirects are not followed' });
    expect(other.received).toEqual([]);
  });

  test('ends in time where nobody answers, and where the answer never ends', async () => {
    const silent = await receiver(() => {});
    const outcome = await post(sender({ timeout: 300 }), `http://127.0.0.1:${silent.port}/`);
    expect(outcome).toMatchObject({ ok: false, status: null, reason: 'no answer within 0.3 s' });
    let open = 0;
    const endless = await receiver((response) => {
      open += 1;
      response.on('close', () => {
        open -= 1;
      });
      response.writeHead(200);
      const drip = () => response.write('x'.repeat(1_024), () => setImmediate(drip));
      drip();
    });
    expect(await post(sender(), `http://127.0.0.1:${endless.port}/`)).toMatchObject({ ok: true });
    await waitFor('the connection to be closed', () => open === 0);
  });

  test('tells what went wrong, and no more of inner networks than that', async () => {
    const { port } = await receiver(ok);
    for (const close of closing.splice(0)) close();
    const url = `http://127.0.0.1:${port}/`;
    await waitFor('the port to be closed', async () => {
      const outcome = await post(sender(), url);
      return outcome.reason === 'the connection was refused';
    });
    const rude = createTcpServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => rude.listen(0, '127.0.0.1', resolve));
    closing.push(() => rude.close());
    const closed = await post(sender(), `http://127.0.0.1:${(rude.address() as AddressInfo).port}/`);
    expect(closed.reason).toMatch(/closed without an answer|no connection/);
    const unknown = await post(sender(), 'http://hooks.invalid:8080/');
    expect(unknown.reason).toBe('the name cannot be looked up');
  });

  test('waits while too many are under way', async () => {
    const waiting: ServerResponse[] = [];
    const { port, received } = await receiver((response) => waiting.push(response));
    const bounded = sender({ atOnce: 2 });
    const outcomes = Array.from({ length: 5 }, () => post(bounded, `http://127.0.0.1:${port}/`));
    for (let done = 0; done < 5; done += 1) {
      await waitFor('a request', () => waiting.length > 0 && received.length >= Math.min(done + 2, 5));
      expect(received.length - done).toBeLessThanOrEqual(2);
      ok(waiting.shift() as ServerResponse);
    }
    for (const outcome of await Promise.all(outcomes)) expect(outcome.ok).toBe(true);
  });

  test('ends early when it is called off', async () => {
    const { port, received } = await receiver(() => {});
    const calledOff = new AbortController();
    const outcome = post(sender(), `http://127.0.0.1:${port}/`, '{}', calledOff.signal);
    await waitFor('the request', () => received.length === 1);
    calledOff.abort();
    expect((await outcome).ok).toBe(false);
  });
});

describe('an address that is not public', () => {
  const refused = /not public|leads to no address/;

  test.each([
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://0x7f.1/',
    'https://2130706433/',
    'https://017700000001/',
    'https://10.0.0.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://[fd00:ec2::254]/',
    'https://0.0.0.0/',
    'https://224.0.0.1/',
    'https://localhost/',
  ])('is refused: %s', async (url) => {
    const outcome = await post(sender({ allowed: [] }), url);
    expect(outcome).toMatchObject({ ok: false, status: null, reason: expect.stringMatching(refused) });
  });

  test('is refused behind a name, and nothing is sent there', async () => {
    const { port, received } = await receiver(ok);
    const toLoopback = async () => [{ address: '127.0.0.1', family: 4 }];
    for (const allowed of [[], ['192.0.2.0/24']]) {
      const one = sender({ allowed, resolve: toLoopback });
      expect((await post(one, `https://hooks.example:${port}/`)).reason).toMatch(refused);
    }
    expect((await post(sender({ resolve: toLoopback }), `http://hooks.example:${port}/`)).ok).toBe(true);
    expect(received).toHaveLength(1);
  });

  test('is left out where a name has others', async () => {
    const { port, received } = await receiver(ok);
    const resolve: Resolve = async () => [
      { address: '10.0.0.1', family: 4 },
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ];
    const outcome = await post(sender({ allowed: ['127.0.0.1'], resolve }), `http://hooks.example:${port}/`);
    expect([outcome.ok, received.length]).toEqual([true, 1]);
  });

  test('cannot be slipped in after it was looked at: the name is looked up once a connection', async () => {
    const inner = await receiver(ok);
    let lookups = 0;
    const rebinding: Resolve = async () => {
      lookups += 1;
      return lookups === 1 ? [{ address: '127.0.0.2', family: 4 }] : [{ address: '127.0.0.1', family: 4 }];
    };
    // 127.0.0.2 stands for what is public; nobody listens there.
    const one = sender({ allowed: ['127.0.0.2'], resolve: rebinding, timeout: 5_000 });
    const outcome = await post(one, `http://hooks.example:${inner.port}/`);
    expect([outcome.ok, lookups, inner.received]).toEqual([false, 1, []]);
    expect((await post(one, `http://hooks.example:${inner.port}/`)).reason).toMatch(refused);
    expect([lookups, inner.received]).toEqual([2, []]);
  });
});

test.each([
  ['ftp://hooks.example/', /https:/],
  ['http://hooks.example/', /allow_networks/],
  ['https://me:secret@hooks.example/', /password/],
  ['https://hooks.example:25/', /port/],
  ['https://hooks.example:22/', /port/],
  ['https://192.168.1.1/', /not public/],
  ['nonsense', /expected a URL/],
  ['file:///etc/passwd', /https:/],
])('%s is no address for a webhook', (url, problem) => {
  expect(sender({ allowed: [] }).problem(url)).toMatch(problem);
});

test('good addresses', () => {
  for (const url of ['https://hooks.example/', 'https://hooks.example:8443/x?y=z', 'https://1.1.1.1/']) {
    expect([url, sender({ allowed: [] }).problem(url)]).toEqual([url, null]);
  }
  expect(sender().problem('http://127.0.0.1:8080/')).toBeNull();
});
