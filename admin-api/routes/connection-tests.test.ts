import { afterEach, beforeEach, expect, test } from 'vitest';
import { type CaptureSink, startCaptureSink } from '../../tests/support/capture-sink.ts';
import { at } from '../../tests/support/sink-script.ts';
import { waitFor } from '../../tests/support/wait-for.ts';
import { startTestApi, type TestApi } from '../testing/start-test-api.ts';

let api: TestApi;
let token: string;
let sink: CaptureSink;
beforeEach(async () => {
  sink = await startCaptureSink({ extensions: ['AUTH PLAIN', 'PIPELINING'] });
  api = await startTestApi();
  ({ token } = await api.administrator());
});
afterEach(async () => {
  await api.close();
  await sink.stop();
});

const local = (change: object = {}) => ({ host: '127.0.0.1', port: sink.port, ...change });
const save = (body: object) => api.wire('POST', '/api/upstreams', { token, body });
const tried = (name: string) => api.wire('POST', `/api/upstreams/${name}/test-connection`, { token });
const triedUnsaved = (body: object, on = api, as = token) =>
  on.wire('POST', '/api/upstreams/test-connection', { token: as, body });

test('a configured upstream is connected to, with TLS and login as configured, and gets no mail', async () => {
  await save({ name: 'local', ...local({ tls: 'none', username: 'u', password: 'planted' }) });
  const answer = await tried('local');
  expect([answer.status, answer.body]).toMatchObject([
    200,
    {
      ok: true,
      phase: 'done',
      address: `127.0.0.1:${sink.port}`,
      tls: null,
      capabilities: ['AUTH PLAIN', 'PIPELINING'],
      reply: expect.stringMatching(/^235/),
      error: null,
    },
  ]);
  sink.behave(at('auth', { reply: '535 5.7.8 wrong' }));
  expect((await tried('local')).body).toMatchObject({ ok: false, phase: 'auth', reply: '535 5.7.8 wrong' });
  expect(JSON.stringify(api.logged)).not.toContain('planted');
  expect(sink.mails).toHaveLength(0);
});

test('a capture box and what is not there are no upstreams to connect to', async () => {
  await save({ name: 'box', type: 'capture' });
  expect((await tried('box')).status).toBe(409);
  expect((await tried('nobody')).status).toBe(404);
  expect((await triedUnsaved({ type: 'capture' })).status).toBe(409);
});

test('unsaved settings are tried at hosts of upstreams only, and with no saved password', async () => {
  const refused = await triedUnsaved(local());
  expect([refused.status, refused.field('code')]).toEqual([403, 'FORBIDDEN']);
  expect(sink.connections.total).toBe(0);
  await save({ name: 'local', ...local({ tls: 'none', username: 'u', password: 'planted' }) });
  expect((await triedUnsaved(local({ tls: 'none' }))).body).toMatchObject({
    ok: true,
    reply: expect.stringMatching(/^250/),
  });
  expect((await triedUnsaved(local({ port: 22 }))).status).toBe(403);
  const wrong = await triedUnsaved(local({ username: 'u' }));
  expect([wrong.status, wrong.body]).toEqual([
    422,
    expect.objectContaining({ problems: [expect.objectContaining({ path: 'body.password' })] }),
  ]);
});

test('`api.connection_test_networks` allows other addresses, and nothing beyond them', async () => {
  await using open = await startTestApi({ api: { connection_test_networks: ['127.0.0.0/8'] } });
  const root = await open.administrator();
  expect((await triedUnsaved(local(), open, root.token)).body).toMatchObject({ ok: true });
  for (const host of ['192.0.2.1', '169.254.169.254', '::1', 'fe80::1']) {
    const answer = await triedUnsaved(local({ host }), open, root.token);
    expect(answer.body).toMatchObject({ ok: false, phase: 'connect', address: null });
  }
});

test('link-local and metadata addresses are refused though an upstream has them', async () => {
  await save({ name: 'metadata', host: '169.254.169.254', port: 80 });
  expect((await tried('metadata')).body).toMatchObject({ ok: false, phase: 'connect', address: null });
});

test('a few are tried at once, no more', async () => {
  await save({ name: 'local', ...local({ timeouts: { connect: '20s' } }) });
  sink.behave(at('ehlo', { stall: true }));
  const waiting = [1, 2, 3, 4].map(() => tried('local'));
  await waitFor('four connections', () => sink.connections.open === 4);
  const fifth = await tried('local');
  expect([fifth.status, fifth.field('code')]).toEqual([429, 'RATE_LIMITED']);
  sink.cutAll();
  for (const answer of await Promise.all(waiting)) expect(answer.body).toMatchObject({ ok: false, phase: 'hello' });
  sink.behave(undefined);
  expect((await tried('local')).body).toMatchObject({ ok: true });
});
