import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RefusalRecord } from '../../core/domain/message.ts';
import { connectDeliveryStore } from '../../core/storage/sqlite/delivery-client.ts';
import { waitFor } from '../../tests/support/wait-for.ts';
import { startTestApi, type TestApi, type TestUser } from '../testing/start-test-api.ts';

let api: TestApi;
let admin: TestUser;
let anna: TestUser;
const sent: Record<string, string> = {};

const refusal = (ownerId: string | null): RefusalRecord => ({
  id: uuidv7(),
  at: api.clock.now(),
  outcome: 'refused',
  ownerId,
  credentialId: null,
  source: { sessionId: uuidv7(), listener: 'relay', clientAddress: '192.0.2.9', helo: 'client', tls: 'TLSv1.3' },
  sender: 'refused@example.com',
  recipients: ['somebody@example.net'],
  reply: '550 5.7.1 not from here',
  trace: [{ hook: 'rcptTo', plugin: 'blacklist', verdict: 'reject', micros: 7, reply: '550 5.7.1 not from here' }],
  pipelineVersion: 3,
});

beforeAll(async () => {
  api = await startTestApi();
  admin = await api.administrator();
  anna = await api.user('anna');
  sent.first = await api.message(anna.id, {
    subject: '<img src=x onerror=alert(1)>',
    messageId: '<first@example.com>',
  });
  api.clock.advance(1_000);
  sent.second = await api.message(anna.id, { sender: 'Other@Example.com', messageId: '<second@example.com>' }, [
    { address: 'Rcpt@Example.net', domain: 'example.net', state: 'captured', nextAt: null, finalAt: api.clock.now() },
    { address: 'held@example.org', domain: 'example.org', state: 'held', nextAt: null },
  ]);
  api.clock.advance(1_000);
  sent.trusted = await api.message('network:home', { messageId: null });
  sent.refusal = uuidv7();
  api.store.messages.recordRefusal({ ...refusal(anna.id), id: sent.refusal });
  await api.message(admin.id);
  await waitFor('the refusal', () => api.store.mailLog.get(sent.refusal ?? ''));
});
afterAll(() => api.close());

const list = async (query: string, token = anna.token) => {
  const answer = await api.wire('GET', `/api/mail-logs${query}`, { token });
  const { items, next } = answer.body as { items: { id: string }[]; next: string | null };
  return { ids: items.map(({ id }) => Object.keys(sent).find((name) => sent[name] === id) ?? id), next, items };
};

test('a list is newest first', async () => {
  const { ids } = await list('');
  expect(ids).toEqual(['refusal', 'second', 'first']);
});

describe('filters', () => {
  test.each([
    ['status=captured', ['second']],
    ['status=held', ['second']],
    ['status=queued', ['first']],
    ['status=refused', ['refusal']],
    ['status=bounced', []],
    ['address=other@example.com', ['second']],
    ['address=rcpt@example.net', ['second']],
    ['domain=example.org', ['second']],
    ['message_id=first@example.com', ['first']],
    [`message_id=${encodeURIComponent('<first@example.com>')}`, ['first']],
    ['address=nobody@example.com', []],
    ['address=%25', []],
    ["address=' OR 1=1 --", []],
    ['status=queued&address=sender@example.com', ['first']],
  ])('%s', async (query, expected) => {
    expect((await list(`?${query.replaceAll(' ', '%20')}`)).ids).toEqual(expected);
  });

  test('by time', async () => {
    const at = (offset: number) => encodeURIComponent(new Date(api.clock.now() + offset).toISOString());
    expect((await list(`?from=${at(-1_500)}&until=${at(-500)}`)).ids).toEqual(['second']);
    expect((await list(`?until=${at(-1_500)}`)).ids).toEqual(['first']);
  });

  test.each([
    'status=lost',
    'from=yesterday',
    'limit=0',
    'limit=201',
    'limit=many',
    'order=id',
    'status=held&status=held',
  ])('%s is refused', async (query) => {
    const answer = await api.wire('GET', `/api/mail-logs?${query}`, { token: anna.token });
    expect([answer.status, answer.field('code')]).toEqual([422, 'REQUEST_INVALID']);
  });

  test.each(['x', '1.2.3', '-', 'a.b', '99999999999999999999.1', '../..', '%00'])(
    'the cursor %s harms nobody',
    async (cursor) => {
      const path = ['/api/mail-logs', '/api/queue', '/api/smtp-credentials', '/api/users'];
      for (const target of path) {
        const answer = await api.wire('GET', `${target}?cursor=${cursor}`, { token: admin.token });
        expect([200, 422]).toContain(answer.status);
      }
    },
  );
});

test('an administrator sees all, or one owner, trusted networks included', async () => {
  expect((await list('', admin.token)).ids).toHaveLength(5);
  expect((await list('?owner_id=network:home', admin.token)).ids).toEqual(['trusted']);
  expect((await list(`?owner_id=${anna.id}`, admin.token)).ids).toEqual(['refusal', 'second', 'first']);
});

test('pages follow one another', async () => {
  const first = await list('?limit=2');
  expect(first.ids).toEqual(['refusal', 'second']);
  const second = await list(`?limit=2&cursor=${encodeURIComponent(first.next ?? '')}`);
  expect(second).toMatchObject({ ids: ['first'], next: null });
});

test('one message tells everything: recipients, trace, source, attempts', async () => {
  const answer = await api.wire('GET', `/api/mail-logs/${sent.second}`, { token: anna.token });
  expect(answer.body).toMatchObject({
    kind: 'message',
    status: 'held',
    sender: 'Other@Example.com',
    message_id: '<second@example.com>',
    recipients: [
      { address: 'Rcpt@Example.net', status: 'captured' },
      { address: 'held@example.org', status: 'held', next_at: null },
    ],
    source: { client_address: '192.0.2.1', listener: 'relay' },
    trace: [{ hook: 'mailFrom', plugin: 'quota', verdict: 'continue', microseconds: 12, reply: null }],
    attempts: [],
  });
});

test('a refusal tells who refused and why', async () => {
  const answer = await api.wire('GET', `/api/mail-logs/${sent.refusal}`, { token: anna.token });
  expect(answer.body).toMatchObject({
    kind: 'refusal',
    status: 'refused',
    reply: '550 5.7.1 not from here',
    recipients: [{ address: 'somebody@example.net', status: null }],
    trace: [{ plugin: 'blacklist', verdict: 'reject', reply: '550 5.7.1 not from here' }],
    pipeline_version: 3,
  });
});

test('attempts are shown with their phase and the replies of the upstream', async () => {
  const relay = connectDeliveryStore(api.store.deliveryPort());
  const bert = await api.user('bert');
  const at = Date.now() - 1_000;
  const id = await api.message(bert.id, { acceptedAt: at });
  const abort = new AbortController();
  const claims = await relay.deliveries.claim({
    limit: 10,
    worker: 'w',
    leaseMilliseconds: 60_000,
    signal: abort.signal,
  });
  const claim = claims.find(({ record }) => record.id === id);
  if (claim === undefined) throw new Error('the message was not claimed');
  const leased = await api.wire('GET', `/api/mail-logs/${id}`, { token: bert.token });
  expect(leased.body).toMatchObject({ being_delivered: true });

  const [recipient] = claim.record.recipients;
  if (recipient === undefined) throw new Error('the message has no recipient');
  const reply = '450 4.2.0 <b>greylisted</b>';
  await relay.deliveries.settle({
    lease: claim.lease,
    recipients: [
      { index: 0, recipient: { ...recipient, state: 'deferred', attempts: 1, nextAt: at + 1e6, lastReply: reply } },
    ],
    attempts: [
      {
        messageId: id,
        at,
        upstream: 'default',
        host: 'mx.example.com:25',
        phase: 'rcpt',
        tls: 'TLSv1.3',
        milliseconds: 12.5,
        ambiguous: false,
        results: [{ recipient: recipient.address, state: 'deferred', reply }],
      },
    ],
    generated: [],
    release: true,
  });
  const answer = await api.wire('GET', `/api/mail-logs/${id}`, { token: bert.token });
  expect(answer.body).toMatchObject({
    status: 'deferred',
    being_delivered: false,
    recipients: [{ attempts: 1, last_reply: reply }],
    attempts: [
      { upstream: 'default', host: 'mx.example.com:25', phase: 'rcpt', results: [{ status: 'deferred', reply }] },
    ],
  });
  const statistics = await api.wire('GET', '/api/mail-logs/stats', { token: bert.token });
  expect(statistics.body).toMatchObject({ totals: { accepted: 1, sent: 0 }, by_status: { accepted: 1, deferred: 1 } });
  await relay.close();
});

test('statistics count recipients in all, by status, by hour and by day', async () => {
  const answer = await api.wire('GET', '/api/mail-logs/stats', { token: anna.token });
  expect(answer.body).toMatchObject({
    totals: { accepted: 3, sent: 1, failed: 0, refused: 1 },
    by_status: { accepted: 3, captured: 1, refused: 1, bounced: 0 },
  });
  const { by_hour, by_day } = answer.body as { by_hour: { accepted: number }[]; by_day: { accepted: number }[] };
  for (const rows of [by_hour, by_day]) expect(rows.reduce((sum, row) => sum + row.accepted, 0)).toBe(3);
});

test.each([
  ['from=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z', 422],
  ['from=2020-01-01T00:00:00Z&until=2026-01-01T00:00:00Z', 422],
  ['from=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00%2B01:00', 200],
])('statistics of the span %s: %i', async (query, status) => {
  expect((await api.wire('GET', `/api/mail-logs/stats?${query}`, { token: anna.token })).status).toBe(status);
});
