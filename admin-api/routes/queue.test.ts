import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectDeliveryStore } from '../../core/storage/sqlite/delivery-client.ts';
import { startTestApi, type TestApi, type TestUser } from '../testing/start-test-api.ts';

let api: TestApi;
let admin: TestUser;
let anna: TestUser;
beforeEach(async () => {
  api = await startTestApi();
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

test('the conservation sum is for administrators', async () => {
  await api.message(anna.id, {}, [{}, { address: 'b@example.com' }]);
  const sum = await api.wire('GET', '/api/system/conservation', { token: admin.token });
  expect(sum.body).toMatchObject({ accepted: 2, generated: 0, states: { queued: 2, delivered: 0 }, balanced: true });
});
