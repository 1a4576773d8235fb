import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { message, session, transaction } from '../../../core/pipeline/testing.ts';
import { type Libraries, loadLibraries } from '../libraries.ts';
import { HarakaTransaction } from './haraka-transaction.ts';
import { endMessage, feedMessage, storeChangedBody } from './message-feed.ts';

let libraries: Libraries;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-feed-'));
  libraries = await loadLibraries(folder, pino({ level: 'silent' }));
});
afterAll(() => rm(folder, { recursive: true }));

let serial = 0;

const begin = (spoolAfter = 1_000_000, spoolFolder = folder): HarakaTransaction => {
  serial += 1;
  const limits = { main: { spool_after: spoolAfter, spool_dir: spoolFolder }, headers: { max_lines: 1_000 } };
  const connection = { logerror: () => undefined, loginfo: () => undefined, logdebug: () => undefined };
  return new HarakaTransaction(`T${serial}`, transaction({ session: session() }), connection, libraries, limits);
};

const read = (mail: HarakaTransaction, options = {}): Promise<string> =>
  new Promise((resolve) => mail.message_stream.get_data(options, (bytes) => resolve(bytes.toString())));

async function fed(text: string, prepare: (mail: HarakaTransaction) => void = () => undefined, mail = begin()) {
  prepare(mail);
  const received = message(text);
  await feedMessage(mail, received);
  await endMessage(mail);
  return { mail, received };
}

const stored = async (received: ReturnType<typeof message>): Promise<string> => {
  const pieces: Uint8Array[] = [];
  for await (const piece of received.open()) pieces.push(piece);
  return Buffer.concat(pieces).toString();
};

const head = 'From: a@example.org\r\nSubject: one\r\n folded\r\n\r\n';

describe('a message fed to a transaction', () => {
  it('can be read as it came, dots and folds included', async () => {
    const text = `${head}.dot\r\n..two\r\n\r\nend\r\n`;
    const { mail } = await fed(text);
    expect(await read(mail)).toBe(text);
    expect(await read(mail, { dot_stuffed: false })).toBe(text.replace('\r\n.dot\r\n..two', '\r\n..dot\r\n...two'));
    expect(await read(mail, { skip_headers: true, line_endings: '\n' })).toBe('.dot\n..two\n\nend\n');
    expect(mail.header.get('subject')).toBe('one\n folded\n');
    expect(mail.data_bytes).toBe(text.length + 2 + 3);
  });

  it('keeps any lines', async () => {
    const line = fc.string({ maxLength: 40 }).map((text) => text.replaceAll(/[\r\n\0]/g, '.'));
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 20 }), async (lines) => {
        const text = `${head}${lines.map((each) => `${each}\r\n`).join('')}`;
        expect(await read((await fed(text)).mail)).toBe(text);
      }),
    );
  });

  it('makes the header changes of plugins to the message, earlier ones in front', async () => {
    const { mail, received } = await fed(`${head}body\r\n`, (early) => early.add_header('X-Early', '1'));
    mail.add_leading_header('X-First', `long ${'word '.repeat(30)}end`);
    mail.add_header('X-Last', 'folded\r\n here');
    mail.remove_header('Subject');
    const text = await stored(received);
    expect(text).toBe(await read(mail));
    expect(text).toBe(
      `X-First: long ${'word '.repeat(30)}end\r\nX-Early: 1\r\nFrom: a@example.org\r\nX-Last: folded\r\n here\r\n\r\nbody\r\n`,
    );
  });

  it('stores the body that filters and a banner have made', async () => {
    const { mail, received } = await fed(`${head}some words\r\n.dot\r\n`, (early) => {
      early.add_body_filter('text/plain', (_type, _encoding, bytes) =>
        Buffer.from(bytes.toString().replace('some', 'other')),
      );
      early.set_banner('Sent by us');
    });
    await storeChangedBody(mail, received);
    expect(await stored(received)).toMatch(/other words\r?\n\.dot\r?\n[\s\S]*Sent by us/);
  });

  it('stands in a file when it is large, which goes with it', async () => {
    const text = `${head}${'a line of some length\r\n'.repeat(20_000)}`;
    const { mail } = await fed(text, () => undefined, begin(10_000));
    expect(await readdir(folder)).toContain(`${mail.uuid}.eml`);
    expect(await read(mail)).toBe(text);
    mail.close();
    await expect.poll(() => readdir(folder)).not.toContain(`${mail.uuid}.eml`);
  });

  it('is refused where that file cannot be written', async () => {
    const text = `${head}${'a line of some length\r\n'.repeat(20_000)}`;
    await expect(fed(text, () => undefined, begin(10_000, '/nowhere/at/all'))).rejects.toThrow('ENOENT');
  });
});
