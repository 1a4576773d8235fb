import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startTestApi, type TestApi, type TestUser } from '../testing/start-test-api.ts';
import type { WireCall } from '../testing/wire.ts';

let api: TestApi;
let admin: TestUser;

beforeAll(async () => {
  api = await startTestApi();
  admin = await api.administrator();
});
afterAll(() => api.close());
afterEach(async () => {
  for (const { id } of (await api.store.blacklist.list({}, { limit: 1_000 })).items)
    await api.store.blacklist.remove(id);
});

const ask = (method: string, target: string, call: WireCall = {}) =>
  api.wire(method, target, { token: admin.token, ...call });
const add = (network: string, fields: object = {}) => ask('POST', '/api/blacklist', { body: { network, ...fields } });
const later = (milliseconds: number) => new Date(api.clock.now() + milliseconds).toISOString();
const listed = async (query = '') => {
  const { items } = (await ask('GET', `/api/blacklist${query}`)).body as { items: { network: string }[] };
  return items.map(({ network }) => network);
};
const audit = async (subjectId: string) => {
  const answer = await ask('GET', `/api/audit-log?subject_id=${subjectId}`);
  return (answer.body as { items: object[] }).items;
};

describe('a new entry', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7/32'],
    ['192.0.2.7/24', '192.0.2.0/24'],
    ['::ffff:192.0.2.7', '192.0.2.7/32'],
    ['::ffff:c000:207', '192.0.2.7/32'],
    ['::ffff:192.0.2.0/120', '192.0.2.0/24'],
    ['2001:DB8:0:0::1', '2001:db8::1/128'],
    [' 2001:db8::/32 ', '2001:db8::/32'],
  ])('%s is stored as %s', async (given, network) => {
    const answer = await add(given);
    expect(answer.body).toMatchObject({
      network,
      reason: 'listed by the operator',
      source: 'manual',
      expires_at: null,
      overlaps: [],
    });
    expect((await ask('GET', `/api/blacklist/${answer.field('id')}`)).body).toMatchObject({ network });
  });

  test.each([
    [{ network: '192.0.2.0/33' }, 'body.network', /no address and no network such as/],
    [{ network: '010.0.0.1' }, 'body.network', /no address and no network/],
    [{ network: 'localhost' }, 'body.network', /no address/],
    [{ network: 7 }, 'body.network', /expected string/],
    [{}, 'body.network', /expected string/],
    [{ network: '192.0.2.1', reason: 'a\r\n250 OK' }, 'body.reason', /line breaks/],
    [{ network: '192.0.2.1', reason: 'x'.repeat(201) }, 'body.reason', /at most 200/],
    [{ network: '192.0.2.1', expires_at: 'tomorrow' }, 'body.expires_at', /expected a time such as/],
    [{ network: '192.0.2.1', expires_at: '2020-01-01T00:00:00Z' }, 'body.expires_at', /a time to come/],
    [{ network: '192.0.2.1', source: 'import' }, 'body.source', /unknown field/],
  ])('%j is refused', async (body, path, message) => {
    const answer = await ask('POST', '/api/blacklist', { body });
    expect([answer.status, answer.field('code')]).toEqual([422, 'REQUEST_INVALID']);
    expect(answer.body).toMatchObject({ problems: [{ path, message: expect.stringMatching(message) }] });
  });

  test.each([
    ['127.0.0.1', '127.0.0.1/32 lies in 127.0.0.0/8, which is protected: it is this machine'],
    ['::ffff:127.1.2.3', '127.1.2.3/32 lies in 127.0.0.0/8, which is protected'],
    ['127.0.0.0/8', '127.0.0.0/8 is protected: it is this machine'],
    ['0.0.0.0/0', '0.0.0.0/0 holds 127.0.0.0/8, which is protected'],
    ['203.0.113.5', '203.0.113.5/32 lies in 203.0.113.0/28, which is protected: the test says so'],
    ['203.0.113.0/24', '203.0.113.0/24 holds 203.0.113.0/28, which is protected'],
  ])('%s is refused: %s', async (network, detail) => {
    const answer = await add(network);
    expect([answer.status, answer.field('detail')]).toEqual([422, expect.stringContaining(detail)]);
    expect(await listed()).toEqual([]);
  });

  test('beside a protected network is taken', async () => {
    expect((await add('203.0.113.16/28')).status).toBe(201);
    expect((await add('128.0.0.0/8')).status).toBe(201);
  });

  test('of a network that is listed is a conflict that names the entry; once that has ended it is not', async () => {
    const first = await add('192.0.2.0/24', { reason: 'spam', expires_at: later(60_000) });
    const second = await add('192.0.2.9/24');
    expect([second.status, second.field('code')]).toEqual([409, 'CONFLICT']);
    expect(second.field('detail')).toContain(first.field('id'));
    expect(second.field('detail')).toMatch(/192\.0\.2\.0\/24 is listed already until .* for "spam"/);
    api.clock.advance(60_000);
    expect((await add('192.0.2.0/24')).status).toBe(201);
    expect(await listed()).toEqual(['192.0.2.0/24']);
  });

  test('tells which others it overlaps', async () => {
    const wide = await add('198.51.0.0/16');
    const narrow = await add('198.51.100.7');
    await add('198.51.100.8', { expires_at: later(1_000) });
    await add('198.52.0.0/16');
    api.clock.advance(1_000);
    expect((await add('198.51.100.0/24')).body).toMatchObject({
      overlaps: [
        { id: wide.field('id'), network: '198.51.0.0/16', is: 'wider' },
        { id: narrow.field('id'), network: '198.51.100.7/32', is: 'narrower' },
      ],
    });
  });

  test('is made once, however often the same request comes', async () => {
    const headers = { 'idempotency-key': 'once' };
    const [one, two] = [
      await ask('POST', '/api/blacklist', { body: { network: '192.0.2.1' }, headers }),
      await ask('POST', '/api/blacklist', { body: { network: '192.0.2.1' }, headers }),
    ];
    expect([one.status, two.status, two.field('id')]).toEqual([201, 201, one.field('id')]);
  });

  test('and its change and end stand in the audit log', async () => {
    const created = await add('192.0.2.0/24', { reason: 'spam' });
    const id = created.field('id');
    await ask('PATCH', `/api/blacklist/${id}`, { body: { reason: 'more spam' }, headers: { 'if-match': '*' } });
    await ask('DELETE', `/api/blacklist/${id}`);
    const actor = { kind: 'user', user_id: admin.id, api_key_id: null };
    const subject = { kind: 'blacklist-entry', id };
    const all = { network: '192.0.2.0/24', source: 'manual', expires_at: null };
    expect(await audit(id)).toMatchObject([
      { action: 'blacklist.delete', actor, subject, before: { ...all, reason: 'more spam' }, after: null },
      { action: 'blacklist.change', actor, subject, before: { reason: 'spam' }, after: { reason: 'more spam' } },
      { action: 'blacklist.create', actor, subject, before: null, after: { ...all, reason: 'spam' } },
    ]);
  });
});

describe('a change', () => {
  test('is of the version that was read', async () => {
    const created = await add('192.0.2.0/24', { reason: 'spam', expires_at: later(60_000) });
    const target = `/api/blacklist/${created.field('id')}`;
    const body = { reason: 'more spam', expires_at: null };
    expect((await ask('PATCH', target, { body })).status).toBe(428);
    const headers = { 'if-match': String(created.headers.etag) };
    const changed = await ask('PATCH', target, { body, headers });
    expect(changed.body).toMatchObject({ network: '192.0.2.0/24', ...body, overlaps: [] });
    expect((await ask('PATCH', target, { body: { reason: 'late' }, headers })).status).toBe(412);
    const read = await ask('GET', target);
    expect(read.headers.etag).toBe(changed.headers.etag);
    expect(read.body).toMatchObject(body);
  });

  test('moves an entry, but neither onto another nor onto what is protected', async () => {
    const target = `/api/blacklist/${(await add('192.0.2.1')).field('id')}`;
    await add('192.0.2.2');
    const move = (network: string) => ask('PATCH', target, { body: { network }, headers: { 'if-match': '*' } });
    expect((await move('192.0.2.2')).field('code')).toBe('CONFLICT');
    expect((await move('127.0.0.1')).field('detail')).toMatch(/is protected/);
    expect((await move('192.0.2.3/25')).field('network')).toBe('192.0.2.0/25');
    expect(await listed()).toEqual(['192.0.2.0/25', '192.0.2.2/32']);
  });

  test('or deletion of what is not there is 404', async () => {
    const target = '/api/blacklist/01a20491-46c7-7615-91d5-7dd89800e6c4';
    expect((await ask('GET', target)).status).toBe(404);
    expect((await ask('PATCH', target, { body: {}, headers: { 'if-match': '*' } })).status).toBe(404);
    expect((await ask('DELETE', target)).status).toBe(404);
  });
});

describe('the list', () => {
  const fill = async () => {
    await add('10.0.0.0/8', { expires_at: later(60_000) });
    await add('10.1.2.3', { reason: 'Port scans' });
    await add('10.1.0.0/16', { expires_at: later(1_000) });
    const { putAll } = api.store.blacklist;
    const at = api.clock.now();
    const entry = { id: '01a20491-46c7-7615-91d5-7dd89800e6c4', network: '9.9.9.9/32', reason: '100 refusals' };
    await putAll([{ ...entry, source: 'auto-ban', createdAt: at, updatedAt: at, expiresAt: at + 1e6 }]);
    api.clock.advance(1_000);
  };

  test.each([
    ['', ['9.9.9.9/32', '10.0.0.0/8', '10.1.0.0/16', '10.1.2.3/32']],
    ['?address=10.1.2.3', ['10.0.0.0/8', '10.1.0.0/16', '10.1.2.3/32']],
    ['?address=::ffff:10.1.2.3&expired=false', ['10.0.0.0/8', '10.1.2.3/32']],
    ['?within=10.1.0.0/16', ['10.1.0.0/16', '10.1.2.3/32']],
    ['?source=auto-ban', ['9.9.9.9/32']],
    ['?expired=true', ['10.1.0.0/16']],
    ['?search=port%20SCANS', ['10.1.2.3/32']],
    ['?sort=-network&limit=2', ['10.1.2.3/32', '10.1.0.0/16']],
    ['?sort=expires_at', ['10.1.0.0/16', '10.0.0.0/8', '9.9.9.9/32', '10.1.2.3/32']],
    ['?address=11.0.0.1', []],
  ])('%s', async (query, expected) => {
    await fill();
    expect(await listed(query)).toEqual(expected);
  });

  test('goes on where it was, whatever is added or deleted meanwhile', async () => {
    await fill();
    const first = await ask('GET', '/api/blacklist?limit=2');
    const { next, items } = first.body as { next: string; items: { id: string }[] };
    await ask('DELETE', `/api/blacklist/${items[1]?.id}`);
    await add('1.1.1.1');
    expect(await listed(`?limit=2&cursor=${encodeURIComponent(next)}`)).toEqual(['10.1.0.0/16', '10.1.2.3/32']);
  });

  test.each(['address=here', 'within=10.0.0.0/33', 'source=file', 'expired=maybe', 'sort=reason'])(
    '%s is refused',
    async (query) => {
      expect((await ask('GET', `/api/blacklist?${query}`)).status).toBe(422);
    },
  );
});
