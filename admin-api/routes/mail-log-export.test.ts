import { type IncomingMessage, request } from 'node:http';
import { parse } from 'csv-parse/sync';
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { MailLogFilter } from '../../core/storage/ports/mail-log.ts';
import { waitFor } from '../../tests/support/wait-for.ts';
import { startTestApi, type TestApi, type TestUser } from '../testing/start-test-api.ts';

let api: TestApi;
let admin: TestUser;
let anna: TestUser;

beforeAll(async () => {
  api = await startTestApi();
  admin = await api.administrator();
  anna = await api.user('anna');
});
afterAll(() => api.close());

type Row = Readonly<Record<string, string>>;
const rowsOf = (text: string): Row[] => parse(text, { columns: true });
const download = async (query = '', token = anna.token) => {
  const answer = await api.wire('GET', `/api/mail-logs/export${query}`, { token });
  expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8');
  expect(answer.headers['content-disposition']).toBe('attachment; filename="mail-log.csv"');
  return answer.text;
};

describe('an export', () => {
  const ids: Record<string, string> = {};
  beforeAll(async () => {
    ids.first = await api.message(anna.id, { sender: 'shop@example.com', subject: 'a, "b"', messageId: '<1@x>' }, [
      { address: 'b@example.net', domain: 'example.net', state: 'bounced', lastReply: '550 5.1.1 nobody', attempts: 1 },
      { address: 'c@example.org', domain: 'example.org', upstream: 'main' },
    ]);
    api.clock.advance(1_000);
    ids.refused = uuidv7();
    api.store.messages.recordRefusal({
      id: ids.refused,
      at: api.clock.now(),
      outcome: 'refused',
      ownerId: anna.id,
      credentialId: null,
      source: { sessionId: uuidv7(), listener: 'relay', clientAddress: '192.0.2.9', helo: 'client', tls: null },
      sender: 'shop@example.com',
      recipients: [],
      reply: '550 5.7.1 not from here',
      trace: [],
      pipelineVersion: 1,
    });
    await waitFor('the refusal', () => api.store.mailLog.get(ids.refused ?? ''));
    api.clock.advance(1_000);
    ids.others = await api.message(admin.id, { sender: 'root@example.com' });
  });

  test('has a line for each recipient, and one for a refusal without any', async () => {
    const text = await download();
    expect(text.split('\r\n')[0]).toBe(
      'id,at,kind,origin,status,sender,recipient,upstream,attempts,last_reply,final_at,subject,message_id,size,owner_id,credential_id,client_address',
    );
    expect(rowsOf(text)).toMatchObject([
      { id: ids.refused, kind: 'refusal', status: 'refused', recipient: '', last_reply: '550 5.7.1 not from here' },
      { id: ids.first, status: 'bounced', recipient: 'b@example.net', last_reply: '550 5.1.1 nobody', attempts: '1' },
      { id: ids.first, status: 'queued', recipient: 'c@example.org', upstream: 'main', subject: 'a, "b"' },
    ]);
  });

  test.each([
    ['?sort=oldest', ['first', 'first', 'refused']],
    ['?status=refused', ['refused']],
    ['?upstream=main', ['first', 'first']],
    ['?upstream=other', []],
    ['?domain=EXAMPLE.org', ['first', 'first']],
    ['?message_id=1@x', ['first', 'first']],
    ['?address=nobody@example.com', []],
  ])('of %s is what the list shows', async (query, expected) => {
    const rows = rowsOf(await download(query));
    expect(rows.map(({ id }) => Object.keys(ids).find((name) => ids[name] === id))).toEqual(expected);
    const { body } = await api.wire('GET', `/api/mail-logs${query}`, { token: anna.token });
    const listed = (body as { items: { id: string }[] }).items.map(({ id }) => id);
    expect([...new Set(rows.map(({ id }) => id))]).toEqual(listed);
  });

  test('shows a user only their own, and administrators whose they ask for', async () => {
    expect(await download('')).not.toContain('root@example.com');
    expect(rowsOf(await download('', admin.token))).toHaveLength(4);
    expect(rowsOf(await download(`?owner_id=${admin.id}`, admin.token)).map(({ id }) => id)).toEqual([ids.others]);
    const refused = await api.wire('GET', `/api/mail-logs/export?owner_id=${admin.id}`, { token: anna.token });
    expect([refused.status, refused.field('code')]).toEqual([403, 'FORBIDDEN']);
  });

  test('holds no formulas, whoever wrote the cells', async () => {
    const bert = await api.user('bert');
    const starts = ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1', '＝1', '=HYPERLINK("http://x","y")'];
    for (const subject of starts) {
      await api.message(bert.id, { subject, sender: `${subject}@x` }, [{ lastReply: subject, address: '=a@x' }]);
    }
    for (const row of rowsOf(await download('', bert.token))) {
      for (const cell of Object.values(row)) expect(cell).not.toMatch(/^[=+\-@\t\r\n＝]/);
      expect(starts.map((text) => `'${text}`)).toContain(row.subject);
    }
  });

  test.each(['limit=5', 'cursor=1.1', 'sort=size', 'status=lost'])('takes no %s', async (query) => {
    expect((await api.wire('GET', `/api/mail-logs/export?${query}`, { token: anna.token })).status).toBe(422);
  });
});

describe('of 20,000 messages', () => {
  const messages = 20_000;
  const pages = messages / 200;
  let owner: TestUser;
  let rare: string;

  beforeAll(async () => {
    owner = await api.user('busy');
    const subject = 'a subject of some length, as they are '.repeat(5);
    rare = await api.message(owner.id, { subject }, [{ upstream: 'rare' }]);
    for (let n = 1; n < messages; n += 500) {
      const some = Array.from({ length: Math.min(500, messages - n) }, () => api.message(owner.id, { subject }));
      await Promise.all(some);
    }
  }, 120_000);

  /** Pages that the export with this `until` has asked the store for. */
  const watch = () => {
    const list = vi.spyOn(api.store.mailLog, 'list');
    return (until: number) =>
      list.mock.calls.filter(([filter]: [MailLogFilter, unknown]) => filter.until === until).length;
  };
  /** Behind the last message; an `until` of its own tells one export from another. */
  const until = (milliseconds: number) => api.clock.now() - milliseconds;

  /** Over the control socket, whose buffers are small: who does not read stops the server soon. */
  const open = (end: number) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const query = new URLSearchParams({ owner_id: owner.id, until: new Date(end).toISOString() });
      const outgoing = request(
        { socketPath: api.socket, path: `/api/mail-logs/export?${query}`, agent: false },
        resolve,
      );
      outgoing.on('error', reject);
      outgoing.end();
    });
  const readAll = async (incoming: AsyncIterable<Buffer>): Promise<Row[]> => {
    const pieces: Buffer[] = [];
    for await (const piece of incoming) pieces.push(piece);
    return rowsOf(Buffer.concat(pieces).toString('utf8'));
  };

  test('no more is read than the client takes, and all of it in the end', async () => {
    api.clock.advance(10_000);
    const asked = watch();
    const [slow, gone, fast] = [until(3), until(2), until(1)];
    const paused = await open(slow);
    paused.pause();
    const left = await open(gone);
    left.on('error', () => {});
    await waitFor('the first pages', () => asked(slow) > 0 && asked(gone) > 0);
    left.destroy();
    // A whole export goes by: time enough for the others, were they not held back.
    expect(await readAll(await open(fast))).toHaveLength(messages);
    expect(asked(fast)).toBe(pages);
    expect(asked(slow)).toBeLessThan(pages / 4);
    expect(asked(gone)).toBeLessThan(pages / 4);
    const stopped = asked(gone);
    const rows = await readAll(paused);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(messages);
    expect(asked(slow)).toBe(pages);
    expect(asked(gone)).toBe(stopped);
    vi.restoreAllMocks();
  }, 120_000);

  test('a rare upstream is found, though pages may be empty on the way', async () => {
    const rows = rowsOf(await download('?upstream=rare', owner.token));
    expect(rows.map(({ id }) => id)).toEqual([rare]);
    const first = await api.wire('GET', '/api/mail-logs?upstream=rare', { token: owner.token });
    expect(first.body).toMatchObject({ items: [], next: expect.any(String) });
    const oldest = await api.wire('GET', '/api/mail-logs?upstream=rare&sort=oldest', { token: owner.token });
    expect(oldest.body).toMatchObject({ items: [{ id: rare }] });
  });
});
