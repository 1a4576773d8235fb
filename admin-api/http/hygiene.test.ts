import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../../tests/support/wait-for.ts';
import { startTestApi, type TestApi, type TestUser } from '../testing/start-test-api.ts';
import { bodyLimit } from './body.ts';

let api: TestApi;
let anna: TestUser;
beforeAll(async () => {
  api = await startTestApi({
    api: { rate_limit: { requests: 100_000, window: '1h' } },
    timeouts: { headers: 300, request: 600, keepAlive: 300 },
  });
  await api.administrator();
  anna = await api.user('anna');
});
afterAll(() => api.close());

const login = '/api/auth/login';
const credentials = '/api/smtp-credentials';

/** A connection of our own, for what no client library would send. */
function open(text: string): { socket: Socket; received: () => string; closed: Promise<void> } {
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
  let received = '';
  socket.setEncoding('latin1');
  socket.on('data', (piece: string) => {
    received += piece;
  });
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
  });
  socket.write(text);
  return { socket, received: () => received, closed };
}

const alive = async () => expect((await api.wire('GET', '/health/live')).status).toBe(200);

describe('bodies', () => {
  test.each([
    ['text/plain', 'hello'],
    ['application/x-www-form-urlencoded', 'email=a&password=b'],
    ['multipart/form-data; boundary=x', '--x--'],
    ['application/json; charset=latin1', '{}'],
    ['application/xml', '<a/>'],
    ['', '{}'],
  ])('of type %j are not taken', async (type, raw) => {
    const answer = await api.wire('POST', login, { raw, headers: { 'content-type': type } });
    expect([answer.status, answer.field('code')]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
  });

  test.each(['gzip', 'deflate', 'br', 'gzip, gzip', 'x-gzip', 'unknown'])(
    'that are compressed (%s) are not taken, good or damaged',
    async (encoding) => {
      const headers = { 'content-encoding': encoding };
      for (const raw of [gzipSync('{"email":"a","password":"b"}'), randomBytes(100), gzipSync(Buffer.alloc(5e6))]) {
        const answer = await api.wire('POST', login, { raw, headers });
        expect([answer.status, answer.field('code')]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
      }
      await alive();
    },
  );

  test.each([
    ['not JSON', '{"email": '],
    ['two values', '{} {}'],
    ['not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['__proto__', '{"email":"a","password":"b","__proto__":{"role":"admin"}}'],
    ['nested __proto__', '{"email":{"a":[{"__proto__":1}]},"password":"b"}'],
    ['constructor', '{"email":"a","password":"b","constructor":{"prototype":{"x":1}}}'],
    ['100,000 levels', '['.repeat(100_000) + ']'.repeat(100_000)],
  ])('that are %s cannot be read', async (_, raw) => {
    const answer = await api.wire('POST', login, { raw });
    expect([answer.status, answer.field('code')]).toEqual([400, 'REQUEST_UNREADABLE']);
    expect(Object.prototype).not.toHaveProperty('role');
  });

  test('of the largest size are read, one octet more is refused, whether its length is told or not', async () => {
    const fits = `{"email":"${'a'.repeat(bodyLimit - 12)}"}`;
    expect(Buffer.byteLength(fits)).toBe(bodyLimit);
    expect((await api.wire('POST', login, { raw: fits })).status).toBe(422);
    const told: Record<string, string>[] = [{}, { 'transfer-encoding': 'chunked' }];
    for (const headers of told) {
      const answer = await api.wire('POST', login, { raw: `${fits} `, headers });
      expect([answer.status, answer.field('code')]).toEqual([413, 'REQUEST_TOO_LARGE']);
    }
  });

  test('of 5 MB are answered though nobody reads them to their end', async () => {
    const answer = await api.wire('POST', login, { raw: Buffer.alloc(5e6, 'a') });
    expect(answer.status).toBe(413);
  });

  test('that never end are cut off', async () => {
    const chunk = Buffer.alloc(64 * 1024, 'a');
    const piece = Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]);
    const head = 'POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
    const { socket, received, closed } = open(`${head}Transfer-Encoding: chunked\r\n\r\n`);
    const pump = () => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on('drain', pump);
    pump();
    await closed;
    expect(received()).toMatch(/^HTTP\/1.1 413 /);
    await alive();
  });

  test('are not read before the login is known', async () => {
    const head = `POST ${credentials} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
    const { socket, received } = open(`${head}Content-Length: 100\r\nExpect: 100-continue\r\n\r\n`);
    await waitFor('the answer', () => received().includes('\r\n\r\n'));
    expect(received()).toMatch(/^HTTP\/1.1 401 /);
    socket.destroy();
  });

  test('that are asked for by 100 Continue arrive', async () => {
    const body = '{"email":"a","password":"b"}';
    const head = `POST ${login} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
    const { socket, received } = open(`${head}Content-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`);
    await waitFor('100 Continue', () => received().startsWith('HTTP/1.1 100 Continue\r\n'));
    socket.write(body);
    await waitFor('the answer', () => received().includes('LOGIN_FAILED'));
    socket.destroy();
  });

  test('are refused where none is taken', async () => {
    const path = `${credentials}/01a20491-46c7-7615-91d5-7dd89800e6c4/reset-password`;
    const { token } = anna;
    expect((await api.wire('POST', path, { token, body: { password: 'mine' } })).status).toBe(422);
    expect((await api.wire('POST', path, { token, body: {} })).status).toBe(404);
  });

  test('that are missing are named', async () => {
    const answer = await api.wire('POST', login);
    expect(answer.body).toMatchObject({ status: 422, problems: [{ path: 'body' }] });
  });
});

describe('requests that no browser sends', () => {
  test.each([
    '[',
    'a b',
    '%',
    'localhost:99999999',
    '\xff',
    'a/b',
    '@',
    'localhost\\..',
    'localhost/openapi.json?',
    'x#',
  ])('with the Host %j are refused', async (host) => {
    const { socket, received } = open(`GET /health/live HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    await waitFor('an answer', () => received().includes('\r\n\r\n'));
    expect(received()).toMatch(/^HTTP\/1.1 400 /);
    socket.destroy();
    await alive();
  });

  test.each([
    '*',
    '//',
    '//evil.example/health',
    'http://[/',
    '/%',
    '/%zz',
    '/\\..',
    '/health/../health',
    '/api//users',
  ])('for %s harm nobody', async (target) => {
    for (const method of ['GET', 'OPTIONS']) {
      const { socket, received } = open(`${method} ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      await waitFor('an answer', () => received().includes('\r\n\r\n'));
      expect(received()).toMatch(/^HTTP\/1.1 (?:200|400|404|405) /);
      socket.destroy();
    }
    await alive();
  });

  test('a message that is no HTTP gets a problem', async () => {
    const { received, closed } = open('EHLO client\r\n\r\n');
    await closed;
    expect(received()).toMatch(/^HTTP\/1.1 400 Bad Request\r\nContent-Type: application\/problem\+json/);
  });

  test('two lengths, or a length beside chunks, are refused: no request is smuggled', async () => {
    for (const extra of [
      'Content-Length: 0\r\nContent-Length: 30',
      'Content-Length: 0\r\nTransfer-Encoding: chunked',
    ]) {
      const { received, closed } = open(
        `POST ${login} HTTP/1.1\r\nHost: localhost\r\n${extra}\r\n\r\nGET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n`,
      );
      await closed;
      expect(received().match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 400']);
    }
  });

  test('an upgrade is answered as if it had not been asked for', async () => {
    const { socket, received } = open(
      'GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    await waitFor('an answer', () => received().includes('"ok"'));
    socket.destroy();
  });

  test('a head that drips in is cut off in time, and an idle connection, too', async () => {
    const dripping = open('GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
    const drip = setInterval(() => dripping.socket.write('a'), 20);
    await dripping.closed;
    clearInterval(drip);
    expect(dripping.received()).toMatch(/^HTTP\/1.1 400 /);
    const idle = open('GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await idle.closed;
    expect(idle.received()).toMatch(/^HTTP\/1.1 200 /);
  });

  test('a body that drips in is cut off in time', async () => {
    const head = `POST ${login} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
    const dripping = open(`${head}Content-Length: 100000\r\n\r\n`);
    const drip = setInterval(() => dripping.socket.write(' '), 20);
    await dripping.closed;
    clearInterval(drip);
    await alive();
  });

  test('a head of 100 KB is refused', async () => {
    const { received, closed } = open(`GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'a'.repeat(100_000)}\r\n\r\n`);
    await closed;
    expect(received()).toMatch(/^HTTP\/1.1 400 /);
  });
});

describe('answers', () => {
  test('have security headers, a request id of their own, and none of CORS', async () => {
    const headers = { origin: 'https://evil.example', 'x-request-id': 'mine' };
    const answer = await api.wire('GET', '/health', { headers });
    expect(answer.headers).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
    });
    expect(answer.headers['x-request-id']).toMatch(/^[\da-f-]{36}$/);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect(answer.headers).not.toHaveProperty('server');
    const preflight = { ...headers, 'access-control-request-method': 'POST' };
    expect((await api.wire('OPTIONS', login, { headers: preflight })).status).toBe(405);
  });

  test('to unknown addresses and methods are problems', async () => {
    const missing = await api.wire('GET', '/api/nothing');
    expect([missing.status, missing.field('code')]).toEqual([404, 'NOT_FOUND']);
    expect(missing.text).not.toContain('nothing"');
    const method = await api.wire('DELETE', '/api/smtp-credentials');
    expect([method.status, method.field('code'), method.headers.allow]).toEqual([
      405,
      'METHOD_NOT_ALLOWED',
      'GET, HEAD, POST',
    ]);
  });

  test('to HEAD are those to GET without the body', async () => {
    const get = await api.wire('GET', '/health/live');
    const head = await fetch(`${api.url}/health/live`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect(head.headers.get('content-length')).toBe(get.headers['content-length']);
  });
});

describe('validators', () => {
  const long = 100_000;
  test.each([
    [
      'POST',
      '/api/auth/register',
      { username: 'a'.repeat(long), email: 'a.'.repeat(long / 2), password: 'p'.repeat(long) },
    ],
    ['POST', '/api/auth/register', { username: 'a.-_'.repeat(long / 4), email: `${'a'.repeat(long)}@`, password: '' }],
    ['POST', '/api/auth/register', { username: ' '.repeat(long), email: `a@${'a-'.repeat(long / 2)}`, password: '' }],
    ['POST', login, { email: '\u00e4'.repeat(long / 2), password: ' '.repeat(long) }],
    ['POST', credentials, { name: ' '.repeat(long), domains: ['a.'.repeat(long / 2)], networks: [':'.repeat(long)] }],
    [
      'POST',
      credentials,
      { name: `${'a'.repeat(long)}\n`, domains: ['\u00fc'.repeat(long / 2)], networks: ['1'.repeat(long)] },
    ],
    ['POST', credentials, { name: 'a', domains: Array.from({ length: long / 10 }, () => '-'), networks: [] }],
  ])('of %s %s take 100 KB in no time', async (method, target, body) => {
    await api.wire(method, target, { token: anna.token, body: {} });
    const start = process.cpuUsage();
    const answer = await api.wire(method, target, { token: anna.token, body });
    const { user, system } = process.cpuUsage(start);
    expect([403, 422]).toContain(answer.status);
    expect((user + system) / 1000).toBeLessThan(250);
  });
});

test('no secret is ever logged', async () => {
  const planted = 'planted-password-1234';
  await api.wire('POST', login, { body: { email: 'anna@example.com', password: planted } });
  await api.wire('POST', login, { raw: `{"email":"anna@example.com","password":"${planted}"` });
  await api.wire('GET', `/api/auth/me?token=${planted}`, { token: anna.token });
  const log = JSON.stringify(api.logged);
  for (const secret of [planted, anna.token, anna.token.split('.')[2] ?? '']) expect(log).not.toContain(secret);
});
