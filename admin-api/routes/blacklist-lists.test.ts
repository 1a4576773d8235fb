import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startTestApi, type TestApi, type TestUser } from '../testing/start-test-api.ts';
import { importBlacklist } from './blacklist-lists.ts';

let api: TestApi;
let admin: TestUser;

beforeAll(async () => {
  api = await startTestApi();
  admin = await api.administrator();
});
afterAll(() => api.close());
afterEach(async () => {
  await Promise.all((await entries()).map(({ id }) => api.store.blacklist.remove(id)));
});

const csv = 'text/csv';
const plain = 'text/plain';
const send = (type: string, raw: string | Buffer, query = '', headers: Record<string, string> = {}) =>
  api.wire('POST', `/api/blacklist/import${query}`, {
    token: admin.token,
    raw,
    headers: { 'content-type': type, ...headers },
  });
const entries = async () => (await api.store.blacklist.list({}, { limit: 5_000 })).items;
const networks = async () => (await entries()).map(({ network }) => network);
const download = async (query = '') =>
  (await api.wire('GET', `/api/blacklist/export${query}`, { token: admin.token })).text;
const later = (milliseconds: number) => new Date(api.clock.now() + milliseconds).toISOString();
const imports = async () => {
  const answer = await api.wire('GET', '/api/audit-log?action=blacklist.import', { token: admin.token });
  return (answer.body as { items: { after: unknown }[] }).items;
};
const nothing = { added: 0, updated: 0, unchanged: 0, repeated: 0, invalid: 0, problems: [] };

describe('a plain list', () => {
  const list =
    '# bad neighbours\r\n192.0.2.0/24\n\n  2001:db8::1 # worst\n#192.0.2.9\n::ffff:198.51.100.7\n192.0.2.0/24';

  test('has an address or network a line, and comments', async () => {
    const answer = await send(plain, list);
    expect(answer.body).toEqual({ dry_run: false, ...nothing, added: 3, repeated: 1 });
    expect(await entries()).toMatchObject([
      { network: '192.0.2.0/24', source: 'import', reason: 'imported', expiresAt: null },
      { network: '198.51.100.7/32' },
      { network: '2001:db8::1/128' },
    ]);
  });

  test('again changes nothing, not even the audit log', async () => {
    const before = (await imports()).length;
    await send(plain, list);
    const first = await entries();
    expect((await send(plain, list)).body).toMatchObject({ added: 0, updated: 0, unchanged: 3, repeated: 1 });
    expect(await entries()).toEqual(first);
    expect((await imports()).length).toBe(before + 1);
  });

  test('leaves reason, end and source of what is listed already as they are', async () => {
    const body = { network: '192.0.2.0/24', reason: 'asked for', expires_at: later(60_000) };
    await api.wire('POST', '/api/blacklist', { token: admin.token, body });
    const report = (await send(plain, list, `?reason=spam&expires_at=${encodeURIComponent(later(1_000))}`)).body;
    expect(report).toMatchObject({ added: 2, updated: 0, unchanged: 1 });
    const [first, second] = await entries();
    expect(first).toMatchObject({ reason: 'asked for', source: 'manual', expiresAt: api.clock.now() + 60_000 });
    expect(second).toMatchObject({ reason: 'spam', source: 'import', expiresAt: api.clock.now() + 1_000 });
  });
});

describe('CSV', () => {
  test('has a head line, columns in any order, quoted cells; what differs is updated', async () => {
    const end = later(60_000);
    await send(csv, `network,reason\n192.0.2.1,"spam, ""mostly"""\n192.0.2.2,\n192.0.2.3,scans\n`);
    expect(await entries()).toMatchObject([
      { network: '192.0.2.1/32', reason: 'spam, "mostly"' },
      { network: '192.0.2.2/32', reason: 'imported' },
      { network: '192.0.2.3/32', reason: 'scans', expiresAt: null },
    ]);
    const again = `\ufeffExpires_At,Network\r\n${end},192.0.2.1\r\n# a comment\r\n\r\n,192.0.2.3\r\n`;
    expect((await send(`${csv}; charset=UTF-8; header=present`, again)).body).toMatchObject({
      updated: 1,
      unchanged: 1,
    });
    expect(await entries()).toMatchObject([
      { network: '192.0.2.1/32', reason: 'spam, "mostly"', expiresAt: Date.parse(end) },
      { network: '192.0.2.2/32' },
      { network: '192.0.2.3/32', expiresAt: null },
    ]);
  });

  test('of an export is taken as it is, formulas and all', async () => {
    const reasons = ['=HYPERLINK("http://x")', '+1', '-1', '@x', 'plain, "quoted"', "'apostrophe", '＝1'];
    for (const [n, reason] of reasons.entries()) {
      const body = { network: `192.0.2.${n}`, reason, ...(n === 0 ? { expires_at: later(60_000) } : {}) };
      await api.wire('POST', '/api/blacklist', { token: admin.token, body });
    }
    const text = await download();
    expect(text).toMatch(/^network,reason,source,created_at,updated_at,expires_at,id\r\n/);
    expect(text).toContain('192.0.2.0/32,"\'=HYPERLINK(""http://x"")",manual,');
    for (const start of ["'+1", "'-1", "'@x", "'＝1"]) expect(text).toContain(`,${start},manual,`);
    expect((await send(csv, text)).body).toMatchObject({ ...nothing, unchanged: reasons.length });
    const before = await entries();
    for (const { id } of before) await api.store.blacklist.remove(id);
    expect((await send(csv, text)).body).toMatchObject({ added: reasons.length });
    const told = ({ network, reason, expiresAt }: (typeof before)[number]) => [network, reason, expiresAt];
    expect((await entries()).map(told)).toEqual(before.map(told));
  });

  test.each([
    ['no head line', '192.0.2.1\n', 1, /expected a head line that names the columns: network/],
    ['an unknown column', 'network,colour\n192.0.2.1,red\n', 1, /expected a head line/],
    ['a column twice', 'network,network\n192.0.2.1,192.0.2.2\n', 1, /expected a head line/],
    ['an open quote', `network,reason\n192.0.2.1,"spam\n${'192.0.2.2,\n'.repeat(1_000)}`, 2, /no CSV that can be read/],
    ['a stray quote', 'network,reason\n192.0.2.1,x\n192.0.2.2,"a"b\n', 3, /no CSV that can be read/],
  ])('with %s is refused, bad lines skipped or not', async (_, text, line, message) => {
    for (const query of ['', '?skip_invalid=true']) {
      const answer = await send(csv, text, query);
      expect([answer.status, answer.field('code')]).toEqual([422, 'REQUEST_INVALID']);
      const [problem] = (answer.body as { problems: { path: string; message: string }[] }).problems;
      expect(problem?.message).toMatch(message);
      expect(Number(problem?.path.replace('body.line.', ''))).toBeGreaterThanOrEqual(line);
    }
    expect(await entries()).toEqual([]);
  });
});

describe('a list with bad lines', () => {
  const bad = [
    'network,reason,expires_at',
    '192.0.2.1,fine,',
    '192.0.2.0/33,too narrow,',
    '127.0.0.1,is us,',
    '192.0.2.2,over,2020-01-01T00:00:00Z',
    '192.0.2.3,soon,tomorrow',
    '192.0.2.4,more,,cells',
    '192.0.2.1,otherwise,',
    `192.0.2.5,${'x'.repeat(201)},`,
    '0.0.0.0/0,everybody,',
  ].join('\n');
  const expected = [
    [3, /"192\.0\.2\.0\/33" is no address and no network such as/],
    [4, /127\.0\.0\.1\/32 lies in 127\.0\.0\.0\/8, which is protected: it is this machine; it cannot be blocked/],
    [5, /expires_at: expected a time to come/],
    [6, /expires_at: expected a time such as/],
    [7, /expected 3 cells, as in the head line, found 4/],
    [8, /192\.0\.2\.1\/32 stands in line 2 already, otherwise/],
    [9, /reason: expected at most 200 characters/],
    [10, /0\.0\.0\.0\/0 holds 127\.0\.0\.0\/8, which is protected/],
  ] as const;

  test('is refused as a whole, each of them with line and expectation', async () => {
    for (const query of ['', '?dry_run=true']) {
      const answer = await send(csv, bad, query);
      expect([answer.status, answer.field('code')]).toEqual([422, 'REQUEST_INVALID']);
      expect(answer.field('detail')).toMatch(/^nothing was imported: line 3: .*, and 7 more; correct them/);
      expect((answer.body as { problems: unknown }).problems).toEqual(
        expected.map(([line, message]) => ({ path: `body.line.${line}`, message: expect.stringMatching(message) })),
      );
    }
    expect(await entries()).toEqual([]);
  });

  test('is taken without them where that is asked for', async () => {
    const answer = await send(csv, bad, '?skip_invalid=true');
    expect(answer.body).toMatchObject({ added: 1, invalid: 8 });
    expect((answer.body as { problems: unknown }).problems).toEqual(
      expected.map(([line, message]) => ({ line, message: expect.stringMatching(message) })),
    );
    expect(await networks()).toEqual(['192.0.2.1/32']);
  });

  test('tells the first thousand of them', async () => {
    const answer = await send(plain, 'nowhere\n'.repeat(1_500), '?skip_invalid=true');
    expect(answer.body).toMatchObject({ added: 0, invalid: 1_500 });
    expect((answer.body as { problems: unknown[] }).problems).toHaveLength(1_000);
  });
});

test.each(Object.entries(importBlacklist.text.examples))('the example of %s is taken', async (type, example) => {
  expect((await send(type, example)).body).toMatchObject({ ...nothing, added: 2 });
});

test('a dry run tells the same and does nothing', async () => {
  await send(plain, '192.0.2.1\n192.0.2.2\n');
  const before = [await entries(), (await imports()).length];
  const list = `network,reason\n192.0.2.1,another\n192.0.2.2,\n192.0.2.3,\n`;
  const expected = { ...nothing, added: 1, updated: 1, unchanged: 1 };
  expect((await send(csv, list, '?dry_run=true')).body).toEqual({ dry_run: true, ...expected });
  expect([await entries(), (await imports()).length]).toEqual(before);
  expect((await send(csv, list)).body).toEqual({ dry_run: false, ...expected });
});

test('an import stands in the audit log, once', async () => {
  const list = Array.from({ length: 700 }, (_, n) => `10.0.${n >> 8}.${n & 255}`);
  const before = (await imports()).length;
  await send(plain, `${list.join('\n')}\nnowhere\n`, '?skip_invalid=true');
  const all = await imports();
  expect(all.length).toBe(before + 1);
  expect(all[0]).toMatchObject({
    actor: { kind: 'user', user_id: admin.id },
    subject: { kind: 'blacklist', id: 'all' },
    after: { added: 700, invalid: 1, first: expect.arrayContaining(['10.0.0.0/32']) },
  });
});

test('an entry that has ended is listed anew', async () => {
  await send(csv, `network,expires_at\n192.0.2.1,${later(1_000)}\n`);
  api.clock.advance(1_000);
  expect((await send(plain, '192.0.2.1\n')).body).toMatchObject({ added: 1 });
  expect(await entries()).toMatchObject([{ network: '192.0.2.1/32', expiresAt: null }]);
});

describe('what is no such list', () => {
  test.each([
    ['application/json', '[]', {}],
    ['text/html', 'x', {}],
    ['text/csv; charset=latin1', 'network\n', {}],
    ['', 'x', {}],
    [plain, 'x', { 'content-encoding': 'gzip' }],
  ])('%s is refused with 415', async (type, raw, headers) => {
    const answer = await send(type, raw, '', headers);
    expect([answer.status, answer.field('code')]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
  });

  test('is not taken by routes that want JSON', async () => {
    const headers = { 'content-type': csv };
    const answer = await api.wire('POST', '/api/blacklist', {
      token: admin.token,
      raw: 'network\n192.0.2.1\n',
      headers,
    });
    expect(answer.status).toBe(415);
  });

  test('no UTF-8 is 400, no body 422, a past end 422', async () => {
    expect((await send(plain, Buffer.from([0x31, 0xff]))).status).toBe(400);
    expect((await send(plain, '')).status).toBe(422);
    const past = await send(plain, '192.0.2.1', '?expires_at=2020-01-01T00:00:00Z');
    expect(past.body).toMatchObject({ problems: [{ path: 'query.expires_at' }] });
    expect((await send(plain, '# nothing\n')).body).toEqual({ dry_run: false, ...nothing });
  });

  test('too large in octets or in entries is 413, and nothing is written', async () => {
    const octets = await send(plain, '#'.repeat(8 * 1024 * 1024 + 1));
    expect([octets.status, octets.field('code')]).toEqual([413, 'REQUEST_TOO_LARGE']);
    const many = Array.from({ length: 100_001 }, (_, n) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`).join('\n');
    const counted = await send(plain, many);
    expect([counted.status, counted.field('detail')]).toEqual([413, expect.stringContaining('at most 100000 entries')]);
    expect(await entries()).toEqual([]);
  });
});

describe('an export', () => {
  test('is filtered as the list is, in the order of addresses, over as many pages as there are', async () => {
    const list = Array.from({ length: 1_100 }, (_, n) => `10.0.${n >> 8}.${n & 255}/32`);
    await send(plain, `${list.toReversed().join('\n')}\n2001:db8::/32\n`);
    expect(await download('?format=plain')).toBe(`${[...list, '2001:db8::/32'].join('\n')}\n`);
    expect((await download()).trimEnd().split('\r\n')).toHaveLength(1_102);
    expect(await download('?format=plain&within=10.0.4.0/30')).toBe(
      '10.0.4.0/32\n10.0.4.1/32\n10.0.4.2/32\n10.0.4.3/32\n',
    );
    expect(await download('?format=plain&source=manual')).toBe('');
  });

  test('is saved by a browser, not shown', async () => {
    const answer = await api.wire('GET', '/api/blacklist/export?format=plain', { token: admin.token });
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(answer.headers['content-disposition']).toBe('attachment; filename="blacklist.txt"');
  });
});
