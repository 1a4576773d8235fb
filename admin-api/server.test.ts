import { execFile } from 'node:child_process';
import { stat, writeFile } from 'node:fs/promises';
import { createServer as createHttp } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { SluiceError } from '../core/domain/errors.ts';
import { temporaryFolder } from '../tests/support/temporary-folder.ts';
import { waitFor } from '../tests/support/wait-for.ts';
import { createClient } from './client/client.ts';
import { listenOnPort, listenOnSocket } from './http/listen.ts';
import { getMe, login, register } from './routes/auth.ts';
import { getHealth } from './routes/health.ts';
import { listQueue, retryQueued } from './routes/queue.ts';
import { createCredential, deleteCredential, listCredentials } from './routes/smtp-credentials.ts';
import { listUsers } from './routes/users.ts';
import { password, startTestApi } from './testing/start-test-api.ts';
import { wireTo } from './testing/wire.ts';

const run = promisify(execFile);
const codeOf = (error: unknown) => (error instanceof SluiceError ? error.code : error);

test('the first ten minutes, by curl', async () => {
  await using api = await startTestApi();
  const curl = async (...parameters: string[]) => {
    const { stdout } = await run('curl', ['-sS', '--fail-with-body', ...parameters]);
    return stdout === '' ? undefined : JSON.parse(stdout);
  };
  const base = api.url.replace('127.0.0.1', 'localhost');
  const json = ['-H', 'Content-Type: application/json'];
  expect(await curl(`${base}/health`)).toMatchObject({ status: 'ok' });
  const account = '{"username":"testuser","email":"test@example.com","password":"password123"}';
  await curl('-X', 'POST', `${base}/api/auth/register`, ...json, '-d', account);
  const known = '{"email":"test@example.com","password":"password123"}';
  const { token } = await curl('-X', 'POST', `${base}/api/auth/login`, ...json, '-d', known);
  const bearer = ['-H', `Authorization: Bearer ${token}`];
  const wanted = '{"name":"My first credential","daily_quota":1000,"hourly_quota":100}';
  const made = await curl('-X', 'POST', `${base}/api/smtp-credentials`, ...bearer, ...json, '-d', wanted);
  expect(Object.keys(made)).toEqual(
    expect.arrayContaining([
      'id',
      'name',
      'username',
      'password',
      'daily_quota',
      'hourly_quota',
      'enabled',
      'created_at',
    ]),
  );
  expect(await curl(`${base}/api/mail-logs/stats`, ...bearer)).toMatchObject({ totals: { accepted: 0 } });
  expect(await curl(`${base}/api/smtp-credentials`, ...bearer)).toMatchObject({ items: [{ id: made.id }] });
  const reset = await curl('-X', 'POST', `${base}/api/smtp-credentials/${made.id}/reset-password`, ...bearer);
  expect(reset.password).not.toBe(made.password);
});

describe('the control socket', () => {
  test('is open to its owner only and needs no token', async () => {
    await using api = await startTestApi();
    expect((await stat(api.socket)).mode & 0o777).toBe(0o600);
    const socket = wireTo({ socketPath: api.socket });
    expect((await socket('GET', '/api/users')).status).toBe(200);
    expect((await socket('GET', '/api/system/conservation')).status).toBe(200);
    expect((await socket('GET', '/health')).body).toMatchObject({ details: { version: '0.0.0-test' } });
    const me = await socket('GET', '/api/auth/me');
    expect([me.status, me.field('code')]).toEqual([404, 'NOT_FOUND']);
    expect((await socket('POST', '/api/auth/logout')).status).toBe(204);
    const first = { username: 'root', email: 'root@example.com', password };
    expect((await socket('POST', '/api/auth/register', { body: first })).body).toMatchObject({ role: 'admin' });
  });

  test('replaces the file of a killed process, not the socket of a living one, nor another’s file', async () => {
    await using folder = await temporaryFolder('socket');
    const path = join(folder.path, 'control.sock');
    // A process that is killed leaves its socket file behind.
    const script = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
    await run(process.execPath, ['-e', script, path]).catch(() => {});
    expect((await stat(path)).isSocket()).toBe(true);

    const living = createHttp((_, response) => response.end('living'));
    await listenOnSocket(living, path);
    const second = createHttp();
    await expect(listenOnSocket(second, path).catch(codeOf)).resolves.toBe('LISTEN_FAILED');
    await new Promise((resolve) => living.close(resolve));

    await writeFile(path, 'precious');
    await expect(listenOnSocket(second, path).catch(codeOf)).resolves.toBe('LISTEN_FAILED');
    expect((await stat(path)).isFile()).toBe(true);
  });
});

test('a port that is taken is named, and nothing is left listening', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const error = await listenOnPort(createHttp(), '127.0.0.1', port).catch((failure: unknown) => failure);
  expect(error).toMatchObject({ code: 'LISTEN_FAILED', message: expect.stringContaining(`port ${port}`) });
  expect(error).toMatchObject({ message: expect.stringContaining('another program listens there') });
  taken.close();
});

describe('closing', () => {
  test('lets a request in flight finish, drops idle connections, and takes no new ones', async () => {
    await using api = await startTestApi();
    await api.administrator();
    const idle = await fetch(`${api.url}/health/live`);
    await idle.text();
    const checked = api.passwordsChecked();
    const inFlight = api.wire('POST', '/api/auth/login', { body: { email: 'root@example.com', password } });
    await waitFor('the password check', () => api.passwordsChecked() > checked);
    const closed = api.close(5_000);
    const answer = await inFlight;
    expect([answer.status, answer.headers.connection]).toEqual([200, 'close']);
    await closed;
    await expect(fetch(`${api.url}/health/live`)).rejects.toThrow();
  });

  test('is bounded, however slow a client is', async () => {
    const api = await startTestApi();
    const slow = connect(Number(new URL(api.url).port), '127.0.0.1');
    slow.on('error', () => {});
    slow.write('POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n');
    slow.write('Content-Type: application/json\r\n\r\n{');
    await waitFor('its connection', () => slow.readyState === 'open' && slow.bytesWritten > 50);
    const start = performance.now();
    await api.close(100);
    expect(performance.now() - start).toBeLessThan(5_000);
    slow.destroy();
  });
});

describe('the client', () => {
  test('speaks over TCP and over the socket with the types of the route table', async () => {
    await using api = await startTestApi();
    const stranger = createClient({ url: api.url });
    const body = { username: 'root', email: 'root@example.com', password };
    const user = await stranger.call(register, { body });
    const { token } = await stranger.call(login, { body: { email: body.email, password } });
    const root = createClient({ url: api.url, token });
    const socket = createClient({ socketPath: api.socket });
    expect((await root.call(getMe)).id).toBe(user.id);
    expect((await socket.call(listUsers, { query: { limit: 1 } })).items).toEqual([user]);

    const made = await socket.call(createCredential, { body: { name: 'shop', owner_id: user.id } });
    expect((await root.call(listCredentials)).items).toMatchObject([{ username: made.username }]);
    expect(await root.call(deleteCredential, { params: { id: made.id } })).toBeUndefined();

    const id = await api.message(user.id);
    expect((await socket.call(listQueue, {})).items).toMatchObject([{ id }]);
    expect(await root.call(retryQueued, { params: { id } })).toMatchObject({ id });
    expect((await root.call(getHealth)).details?.version).toBe('0.0.0-test');
  });

  test('turns problems into the errors they were', async () => {
    await using api = await startTestApi();
    const socket = createClient({ socketPath: api.socket });
    const missing = socket.call(retryQueued, { params: { id: '01a20491-46c7-7615-91d5-7dd89800e6c4' } });
    await expect(missing).rejects.toMatchObject({ code: 'NOT_FOUND', message: 'there is no such message' });
    const invalid = socket.call(listUsers, { query: { limit: 0 } });
    await expect(invalid).rejects.toMatchObject({ code: 'REQUEST_INVALID', problems: [{ path: 'query.limit' }] });
    const stranger = createClient({ url: api.url });
    await expect(stranger.call(getMe)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('says when nobody answers, or somebody else', async () => {
    await using folder = await temporaryFolder('nobody');
    const nobody = createClient({ socketPath: join(folder.path, 'control.sock') });
    await expect(nobody.call(getHealth).catch(codeOf)).resolves.toBe('SERVICE_UNAVAILABLE');
    const other = createHttp((_, response) => {
      response.statusCode = 404;
      response.end('<html>not here</html>');
    });
    const url = await listenOnPort(other, '127.0.0.1', 0);
    await expect(createClient({ url }).call(getHealth).catch(codeOf)).resolves.toBe('SERVICE_UNAVAILABLE');
    other.closeAllConnections();
    other.close();
    await expect(createClient({ url }).call(getHealth).catch(codeOf)).resolves.toBe('SERVICE_UNAVAILABLE');
  });
});

describe('Swagger UI', () => {
  test('is served from local files, under a policy that lets nothing in from outside', async () => {
    await using api = await startTestApi();
    const page = await fetch(`${api.url}/swagger/`);
    expect(page.url).toBe(`${api.url}/swagger/index.html`);
    const html = await page.text();
    expect(html).not.toMatch(/https?:\/\//);
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("connect-src 'self'");
    expect(html).not.toMatch(/<script>|onload=/);
    const files = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, name]) => name);
    expect(files).toHaveLength(4);
    for (const name of files) {
      const file = await fetch(`${api.url}/swagger/${name}`);
      expect([name, file.status]).toEqual([name, 200]);
      expect(file.headers.get('x-content-type-options')).toBe('nosniff');
      expect(file.headers.get('content-type')).toMatch(/^(?:text\/(?:css|javascript)|image\/png)/);
      expect((await file.arrayBuffer()).byteLength).toBeGreaterThan(100);
    }
    expect(await (await fetch(`${api.url}/swagger/initializer.js`)).text()).toContain("url: '/openapi.json'");
  });

  test.each([
    'package.json',
    '..%2fpackage.json',
    '%2e%2e/%2e%2e/package.json',
    '..%2fswagger-ui-dist%2findex.html',
    'x\0',
  ])('serves nothing else: %j', async (name) => {
    await using api = await startTestApi();
    const answer = await api.wire('GET', `/swagger/${name.replace('\0', '%00')}`);
    expect(answer.status).toBe(404);
    expect(answer.text).not.toContain('node_modules');
  });
});
