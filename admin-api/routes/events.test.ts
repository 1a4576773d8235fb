import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { refusal } from '../../tests/contract/mail.ts';
import { TestEventSource } from '../../tests/support/event-source.ts';
import { waitFor } from '../../tests/support/wait-for.ts';
import { eventSchema } from '../events/event-view.ts';
import { startTestApi, type TestApi, type TestUser } from '../testing/start-test-api.ts';

const streamTimes = { heartbeat: 100, recheck: 100, stall: 60_000 };

let api: TestApi;
let admin: TestUser;
let anna: TestUser;
let bert: TestUser;

beforeAll(async () => {
  api = await startTestApi({ streamTimes });
  admin = await api.administrator();
  anna = await api.user('anna');
  bert = await api.user('bert');
});
afterAll(() => api.close());

const open = (token: string, query = '', lastEventId?: string) =>
  TestEventSource.open(`${api.url}/api/events${query}`, {
    token,
    ...(lastEventId === undefined ? {} : { lastEventId }),
  });
const settle = async (version: number) => {
  const { settings } = api.store;
  const overlay = { plugins: {}, order: null };
  await settings.propose({ number: version, overlay, fingerprint: 'f', cause: 'change', author: null, at: 1 });
  await settings.accept(version);
};

describe('a stream', () => {
  test('tells what happens as it happens, and what is told is as described', async () => {
    await using stream = await open(anna.token);
    expect(stream.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    const id = await api.message(anna.id);
    await api.store.queueActions.act(id, { do: 'cancel' });
    const events = await stream.until(2);
    expect(events.map(({ event }) => event)).toEqual(['accepted', 'cancelled']);
    expect(events[0]?.data).toEqual({
      id: Number(events[0]?.id),
      type: 'accepted',
      at: expect.any(String),
      owner_id: anna.id,
      credential_id: null,
      mail_log_id: id,
      message_id: '<hello@example.com>',
      sender: 'sender@example.com',
      recipients: ['recipient@example.com'],
      upstream: null,
      reply: null,
    });
    for (const { data } of events) expect(eventSchema.parse(data)).toEqual(data);
    expect(Number(events[1]?.id)).toBe(Number(events[0]?.id) + 1);
  });

  test('is kept open by comments', async () => {
    await using stream = await open(anna.token);
    await waitFor('comments', () => stream.comments.filter((text) => text === ':').length >= 3);
    expect(stream.events).toEqual([]);
  });

  test('shows users what is theirs, and administrators everything', async () => {
    await using annas = await open(anna.token);
    await using everything = await open(admin.token);
    await api.message(bert.id);
    api.store.messages.recordRefusal(refusal({ ownerId: null, credentialId: null }));
    api.store.messages.recordRefusal(refusal({ ownerId: anna.id, credentialId: null }));
    await settle(1_001);
    await api.message(anna.id);
    expect((await annas.until(2)).map(({ event }) => event)).toEqual(['rejected', 'accepted']);
    expect((await everything.until(5)).map(({ event }) => event)).toEqual([
      'accepted',
      'rejected',
      'rejected',
      'configuration_changed',
      'accepted',
    ]);
    expect(everything.events[3]?.data).toMatchObject({ version: 1_001, cause: 'change' });
    expect(annas.events.map(({ data }) => data.owner_id)).toEqual([anna.id, anna.id]);
  });

  test('can be narrowed by type, credential and, for administrators, owner', async () => {
    const { credential } = await api.accountsService.createCredential(anna.id, { name: 'shop' });
    await using byType = await open(anna.token, '?types=cancelled,bounced');
    await using byCredential = await open(anna.token, `?credential_id=${credential.id}`);
    await using byOwner = await open(admin.token, `?owner_id=${bert.id}&types=accepted`);
    const id = await api.message(anna.id);
    await api.store.queueActions.act(id, { do: 'cancel' });
    const shops = await api.message(anna.id, { credentialId: credential.id });
    const berts = await api.message(bert.id);
    expect((await byType.until(1))[0]?.data).toMatchObject({ type: 'cancelled', mail_log_id: id });
    expect((await byCredential.until(1))[0]?.data).toMatchObject({ mail_log_id: shops });
    expect((await byOwner.until(1))[0]?.data).toMatchObject({ mail_log_id: berts });
    expect([byType.events.length, byCredential.events.length, byOwner.events.length]).toEqual([1, 1, 1]);
    const refused = await open(bert.token, `?owner_id=${anna.id}`);
    expect(refused.status).toBe(403);
  });

  test.each(['?types=accepted,nonsense', '?last_event_id=-1', '?last_event_id=1e3', '?types='])(
    'refuses %s',
    async (query) => {
      const answer = await api.wire('GET', `/api/events${query}`, { token: anna.token });
      expect([answer.status, answer.field('code')]).toEqual([422, 'REQUEST_INVALID']);
    },
  );

  test('opens for an API key that may read mail', async () => {
    const body = { name: 'live', scopes: ['mail:read'] };
    const key = await api.wire('POST', '/api/api-keys', { token: anna.token, body });
    await using stream = await open(key.field('key'));
    await api.message(bert.id);
    await api.message(anna.id);
    expect((await stream.until(1))[0]?.data).toMatchObject({ owner_id: anna.id });
    await api.wire('DELETE', `/api/api-keys/${key.field('id')}`, { token: anna.token });
    await stream.closed();
  });
});

describe('a stream that is resumed', () => {
  test('goes on after the id that the client has seen, by header or by query, the header first', async () => {
    await using first = await open(anna.token);
    for (let n = 0; n < 3; n += 1) await api.message(anna.id);
    const all = (await first.until(3)).map(({ id }) => id);
    await first[Symbol.asyncDispose]();
    await using byHeader = await open(anna.token, '', all[0]);
    expect((await byHeader.until(2)).map(({ id }) => id)).toEqual(all.slice(1));
    await using byQuery = await open(anna.token, `?last_event_id=${all[1]}`);
    expect((await byQuery.until(1)).map(({ id }) => id)).toEqual(all.slice(2));
    await using both = await open(anna.token, `?last_event_id=${all[2]}`, all[0]);
    expect((await both.until(2)).map(({ id }) => id)).toEqual(all.slice(1));
  });

  test('shows what happened meanwhile and what happens now, each once, however many there are', async () => {
    await using first = await open(anna.token);
    await api.message(anna.id);
    const seen = (await first.until(1))[0]?.id;
    await first[Symbol.asyncDispose]();
    await Promise.all(Array.from({ length: 700 }, () => api.message(anna.id)));
    await using resumed = await open(anna.token, '', seen);
    await Promise.all(Array.from({ length: 300 }, () => api.message(anna.id)));
    const ids = (await resumed.until(1_000)).map(({ id }) => Number(id));
    expect(ids).toEqual(Array.from({ length: 1_000 }, (_, n) => Number(seen) + n + 1));
  });

  test('is told of what is kept no longer, and goes on with what is', async () => {
    for (let n = 0; n < 5; n += 1) await api.message(anna.id);
    const { newest } = await api.store.events.bounds();
    // As a day later.
    const database = new DatabaseSync(join(api.folder, 'sluice.db'));
    database.prepare('DELETE FROM events WHERE id <= ?').run(newest - 2);
    database.close();
    await using stream = await open(anna.token, '', String(newest - 4));
    const [missed, ...rest] = await stream.until(3);
    expect(missed).toEqual({
      id: String(newest - 2),
      event: 'missed',
      data: { type: 'missed', after: newest - 4, next: newest - 1 },
    });
    expect(rest.map(({ id }) => Number(id))).toEqual([newest - 1, newest]);
    await using complete = await open(anna.token, '', String(newest - 2));
    expect((await complete.until(2)).map(({ event }) => event)).toEqual(['accepted', 'accepted']);
  });

  test('is told of an id that this database has never given', async () => {
    const { newest } = await api.store.events.bounds();
    await using stream = await open(anna.token, '', String(newest + 1_000));
    const [missed] = await stream.until(1);
    expect(missed).toEqual({
      id: String(newest),
      event: 'missed',
      data: { type: 'missed', after: newest + 1_000, next: newest + 1 },
    });
    await api.message(anna.id);
    expect((await stream.until(2))[1]).toMatchObject({ id: String(newest + 1), event: 'accepted' });
  });
});

describe('a stream ends', () => {
  test('when the session is logged out, the user is switched off, or the role changes', async () => {
    const carl = await api.user('carl');
    await using stream = await open(carl.token);
    await api.wire('POST', '/api/auth/logout', { token: carl.token });
    expect(await stream.closed()).toBe('ended');
    const dora = await api.user('dora');
    await using other = await open(dora.token);
    await api.accountsService.changeUser(dora.id, { enabled: false });
    expect(await other.closed()).toBe('ended');
    const emil = await api.user('emil');
    await api.accountsService.changeUser(emil.id, { role: 'admin' });
    await using everything = await open(emil.token);
    await api.accountsService.changeUser(emil.id, { role: 'user' });
    expect(await everything.closed()).toBe('ended');
    expect((await open(carl.token)).status).toBe(401);
  });

  test('when the token expires', async () => {
    const fay = await api.user('fay');
    await using stream = await open(fay.token);
    api.clock.advance(25 * 3_600_000);
    expect(await stream.closed()).toBe('ended');
    api.clock.advance(-25 * 3_600_000);
  });

  test('at once when the server stops', async () => {
    const other = await startTestApi();
    const user = await other.administrator();
    const streams = await Promise.all(
      Array.from({ length: 3 }, () => TestEventSource.open(`${other.url}/api/events`, { token: user.token })),
    );
    const began = performance.now();
    await other.close(60_000);
    expect(performance.now() - began).toBeLessThan(30_000);
    for (const stream of streams) expect(await stream.closed()).toBe('ended');
  });
});

test('a user has so many streams, all users together so many, and a place that is left is free again', async () => {
  const small = await startTestApi({ api: { events: { streams: 3, streams_per_user: 2 } }, streamTimes });
  const root = await small.administrator();
  const gil = await small.user('gil');
  const listen = (token: string) => TestEventSource.open(`${small.url}/api/events`, { token });
  const own = [await listen(gil.token), await listen(gil.token)];
  const third = await small.wire('GET', '/api/events', { token: gil.token });
  expect([third.status, third.field('code')]).toEqual([429, 'RATE_LIMITED']);
  await using _ = await listen(root.token);
  const full = await small.wire('GET', '/api/events', { token: root.token });
  expect([full.status, full.field('detail')]).toEqual([429, expect.stringContaining('3 streams are open')]);
  await own[0]?.[Symbol.asyncDispose]();
  await waitFor('the place', async () => {
    const again = await listen(gil.token);
    await again[Symbol.asyncDispose]();
    return again.status === 200;
  });
  // A HEAD takes no place, however often it is asked.
  const authorization = `Bearer ${root.token}`;
  for (let n = 0; n < 5; n += 1) {
    await waitFor('an answer', async () => {
      const head = await fetch(`${small.url}/api/events`, { method: 'HEAD', headers: { authorization } });
      return head.status === 200;
    });
  }
  await small.close();
});

test('a client that does not read costs no memory and is cut off; others hear everything meanwhile', async () => {
  const own = await startTestApi({ streamTimes: { ...streamTimes, stall: 3_000 } });
  const root = await own.administrator();
  const listen = () => TestEventSource.open(`${own.url}/api/events`, { token: root.token });
  await using slow = await listen();
  slow.pause();
  await using quick = await listen();
  // Far more than the buffers of two sockets hold.
  const address = `${'a'.repeat(60)}@${'b'.repeat(60)}.${'c'.repeat(60)}.example.com`;
  const recipients = Array.from({ length: 400 }, () => ({ address }));
  let sent = 0;
  await waitFor(
    'the slow one to be given up',
    async () => {
      for (let n = 0; n < 10; n += 1) await own.message(root.id, {}, recipients);
      sent += 10;
      return own.logged.some(({ msg }) => String(msg).includes('takes nothing'));
    },
    { timeout: 60_000 },
  );
  await quick.until(sent, 30_000);
  expect(quick.state).toBe('open');
  slow.resume();
  expect(await slow.closed()).toBe('cut');
  expect(slow.events.length).toBeLessThan(sent);
  await own.close();
}, 120_000);
