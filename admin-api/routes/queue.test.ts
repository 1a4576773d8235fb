import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectDeliveryStore } from '../../core/storage/sqlite/delivery-client.ts';
import { startTestApi, type TestApi, type TestUser } from '../testing/start-test-api.ts';

const upstream = (name: string) => ({ name, target: 'x:25', state: 'up', since: null, lastError: null }) as const;

let api: TestApi;
let admin: TestUser;
let anna: TestUser;
beforeEach(async () => {
  api = await startTestApi({ upstreams: ['first', 'second'].map(upstream) });
  admin = await api.administrator();
  anna = await api.user('anna');
});
afterEach(() => api.close());

const act = async (id: string, action: string, token = anna.token) => {
  const answer = await api.wire('POST', `/api/queue/${id}/${action}`, { token });
  expect(answer.status).toBe(200);
  return answer.field('result');
};
const status = async (id: string) => (await api.wire('GET', `/api/queue/${id}`, { token: anna.token })).field('status');

test('the queue lists open mail with its state as a whole for administrators', async () => {
  const id = await api.message(anna.id);
  await api.message(anna.id, {}, [{ state: 'captured', nextAt: null, finalAt: api.clock.now() }]);
  const all = await api.wire('GET', '/api/queue', { token: admin.token });
  expect(all.body).toMatchObject({ items: [{ id, status: 'queued' }], next: null, state: { messages: 1, queued: 1 } });
  const own = await api.wire('GET', '/api/queue', { token: anna.token });
  expect(own.body).toMatchObject({ items: [{ id }], state: null });
});

describe('actions', () => {
  test('hold, release, cancel, each once', async () => {
    const id = await api.message(anna.id);
    expect([await act(id, 'hold'), await status(id)]).toEqual(['done', 'held']);
    expect([await act(id, 'hold'), await status(id)]).toEqual(['unchanged', 'held']);
    expect([await act(id, 'release'), await status(id)]).toEqual(['done', 'queued']);
    expect([await act(id, 'cancel'), await status(id)]).toEqual(['done', 'cancelled']);
    expect([await act(id, 'retry'), await status(id)]).toEqual(['unchanged', 'cancelled']);
  });

  test('retry makes deferred mail due', async () => {
    const later = api.clock.now() + 3_600_000;
    const id = await api.message(anna.id, {}, [{ state: 'deferred', attempts: 3, nextAt: later }]);
    expect(await act(id, 'retry')).toBe('done');
    const { next_at } = (await api.wire('GET', `/api/queue/${id}`, { token: anna.token })).body as { next_at: string };
    expect(Date.parse(next_at)).toBeLessThan(later);
  });

  test('an administrator acts on anybody’s mail', async () => {
    const id = await api.message(anna.id);
    expect(await act(id, 'hold', admin.token)).toBe('done');
  });

  test('what a worker holds is only asked for', async () => {
    const relay = connectDeliveryStore(api.store.deliveryPort());
    const id = await api.message(anna.id, { acceptedAt: Date.now() - 1_000 });
    const { signal } = new AbortController();
    await relay.deliveries.claim({ limit: 1, worker: 'w', leaseMilliseconds: 60_000, signal });
    expect(await act(id, 'cancel')).toBe('requested');
    const shown = await api.wire('GET', `/api/queue/${id}`, { token: anna.token });
    expect(shown.body).toMatchObject({ being_delivered: true, requested: 'cancel' });
    await relay.close();
  });
});

test('a bounce is asked of a worker, and shown until it is done', async () => {
  const id = await api.message(anna.id);
  expect([await act(id, 'bounce'), await act(id, 'bounce')]).toEqual(['requested', 'unchanged']);
  const shown = await api.wire('GET', `/api/queue/${id}`, { token: anna.token });
  expect(shown.body).toMatchObject({ being_delivered: false, requested: 'bounce' });
});

test('administrators reroute, to upstreams that there are', async () => {
  const id = await api.message(anna.id);
  const reroute = (upstream: unknown, token = admin.token) =>
    api.wire('POST', `/api/queue/${id}/reroute`, { token, body: { upstream } });
  const unknown = await reroute('nowhere');
  expect(unknown.status).toBe(422);
  expect(unknown.body).toMatchObject({
    code: 'REQUEST_INVALID',
    problems: [{ path: 'body.upstream', message: expect.stringContaining('first, second') }],
  });
  expect((await reroute('second', anna.token)).status).toBe(403);
  expect((await reroute('second')).body).toEqual({ id, result: 'done' });
  expect((await reroute('second')).body).toEqual({ id, result: 'unchanged' });
  const shown = await api.wire('GET', `/api/queue/${id}`, { token: anna.token });
  expect(shown.body).toMatchObject({ recipients: [{ upstream: 'second', rerouted_to: 'second' }] });
  const other = await api.wire('GET', `/api/queue/${await api.message(anna.id)}`, { token: anna.token });
  expect(other.body).toMatchObject({ recipients: [{ rerouted_to: null }] });
});

test('orders are in the audit log, once', async () => {
  const id = await api.message(anna.id);
  await api.message(anna.id);
  await act(id, 'hold');
  await act(id, 'hold');
  const body = { action: 'hold', filter: { domain: 'example.com' } };
  await api.wire('POST', '/api/queue/actions', { token: anna.token, body });
  await api.wire('POST', '/api/queue/actions', { token: anna.token, body });
  const log = await api.wire('GET', '/api/audit-log?action=queue.hold', { token: admin.token });
  expect(log.body).toMatchObject({
    items: [
      {
        actor: { user_id: anna.id },
        after: { filter: { domain: 'example.com', ownerId: anna.id }, done: 1, requested: 0, unchanged: 1 },
      },
      { actor: { user_id: anna.id }, subject: { kind: 'message', id } },
    ],
    next: null,
  });
});

describe('orders by filter', () => {
  const order = (body: object, { token = anna.token, query = '' } = {}) =>
    api.wire('POST', `/api/queue/actions${query}`, { token, body });

  test('a dry run tells how many and which, and does nothing', async () => {
    const ids = [];
    for (let n = 0; n < 12; n++)
      ids.push(await api.message(anna.id, {}, [{ address: `${n}@x.test`, domain: 'x.test' }]));
    const other = await api.message(anna.id);
    const filter = { domain: 'x.test', status: 'queued' };
    const dry = await order({ action: 'cancel', filter }, { query: '?dry_run=true' });
    expect(dry.body).toMatchObject({ dry_run: true, matched: 12, done: 0, next: null });
    expect((dry.body as { sample: { id: string }[] }).sample.map(({ id }) => id)).toEqual(ids.slice(0, 10));
    expect(await status(ids[0] ?? '')).toBe('queued');
    const done = await order({ action: 'cancel', filter });
    expect(done.body).toEqual({
      dry_run: false,
      matched: 12,
      done: 12,
      requested: 0,
      unchanged: 0,
      sample: [],
      next: null,
    });
    expect([await status(ids[11] ?? ''), await status(other)]).toEqual(['cancelled', 'queued']);
    expect((await order({ action: 'cancel', filter })).body).toMatchObject({ matched: 0, done: 0 });
  });

  test('users act on their own mail only, whatever they filter by', async () => {
    const own = await api.message(anna.id);
    const others = await api.message(admin.id);
    expect((await order({ action: 'hold', filter: {} })).body).toMatchObject({ matched: 1, done: 1 });
    expect(await status(own)).toBe('held');
    expect((await api.wire('GET', `/api/queue/${others}`, { token: admin.token })).field('status')).toBe('queued');
    expect((await order({ action: 'hold', filter: { owner_id: admin.id } })).status).toBe(403);
    const all = await order({ action: 'hold', filter: {} }, { token: admin.token });
    expect(all.body).toMatchObject({ matched: 2, done: 1, unchanged: 1 });
  });

  test('only recipients that fit are touched', async () => {
    const id = await api.message(anna.id, {}, [{}, { address: 'b@x.test', domain: 'x.test' }]);
    expect((await order({ action: 'cancel', filter: { address: 'B@X.test' } })).body).toMatchObject({ done: 1 });
    const shown = await api.wire('GET', `/api/queue/${id}`, { token: anna.token });
    expect(shown.body).toMatchObject({ recipients: [{ status: 'queued' }, { status: 'cancelled' }] });
  });

  test('rerouting is for administrators and needs an upstream that there is; nothing else takes one', async () => {
    await api.message(anna.id);
    const filter = { status: 'queued' };
    expect((await order({ action: 'reroute', filter, upstream: 'first' })).status).toBe(403);
    const asAdmin = { token: admin.token };
    expect((await order({ action: 'reroute', filter }, asAdmin)).status).toBe(422);
    expect((await order({ action: 'hold', filter, upstream: 'first' }, asAdmin)).status).toBe(422);
    expect((await order({ action: 'reroute', filter, upstream: 'nowhere' }, asAdmin)).status).toBe(422);
    expect((await order({ action: 'reroute', filter, upstream: 'first' }, asAdmin)).body).toMatchObject({ done: 1 });
    expect((await order({ action: 'retry', filter: { upstream: 'first' } })).body).toMatchObject({ done: 1 });
  });
});

test('the conservation sum is for administrators', async () => {
  await api.message(anna.id, {}, [{}, { address: 'b@example.com' }]);
  const sum = await api.wire('GET', '/api/system/conservation', { token: admin.token });
  expect(sum.body).toMatchObject({ accepted: 2, generated: 0, states: { queued: 2, delivered: 0 }, balanced: true });
});
