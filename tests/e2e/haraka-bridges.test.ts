import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CaptureSink, startCaptureSink } from '../support/capture-sink.ts';
import { type Sluice, startSluice } from '../support/process.ts';
import { SmtpDialogue } from '../support/smtp-dialogue.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait-for.ts';
import { relayTo, withListeners } from './support/relay-to.ts';

/* Two bridges with folders of their own, native plugins before, between and behind them, in one process. */

const write = async (folder: string, files: Readonly<Record<string, string>>): Promise<void> => {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
};

/** A native plugin that shows in the header what it saw, and leaves a note to Haraka's plugins. */
const native = (name: string): string => `
import { definePlugin, z } from 'sluice/plugin';
export default definePlugin({
  name: '${name}', version: '1.0.0', contract: 1, summary: 'Native', roles: ['smtp'], config: z.strictObject({}), needs: {},
  init: () => ({
    hooks: {
      mailFrom: ({ transaction }) => { (transaction.notes.haraka ?? {}).from_${name} = 'hello' },
      message: ({ message, transaction }) => {
        const seen = message.headers.all('X-Bridge').join(',');
        message.headers.prepend('X-Native', '${name} sees [' + seen + '] notes [' + (transaction.notes.haraka?.word ?? '') + ']');
      },
    },
  }),
});
`;

/** A Haraka plugin that marks mail with a word of its configuration, and shows what it finds. */
const marking = `
exports.register = function () { this.word = this.config.get('word') }
exports.hook_rcpt = function (next, connection, [rcpt]) {
  if (rcpt.host === this.word + '-denied.test') return next(DENY, this.word + ' does not want it')
  next(rcpt.host.startsWith('b-') ? (this.word === 'two' ? OK : CONT) : OK)
}
exports.hook_data_post = function (next, connection) {
  const { transaction } = connection
  transaction.notes.word = this.word
  connection.notes.count = (connection.notes.count ?? 0) + 1
  const native = transaction.header.get_all('X-Native').length
  transaction.add_header('X-Bridge', this.word + ' natives=' + native + ' note=' + transaction.notes.from_between
    + ' messages=' + connection.notes.count + ' rcpts=' + transaction.rcpt_to.length)
  next()
}`;

const misbehaving = `
const kept = []
exports.hook_mail = function (next, connection, [from]) {
  switch (from.user) {
    case 'throws': throw new Error('as it was told')
    case 'rejects': return Promise.reject(new Error('as it was told'))
    case 'late': return setImmediate(() => { throw_later(next) })
    case 'twice': next(); return next(DENY, 'too late')
    case 'never': return
    case 'leaks':
      for (let i = 0; i < 100; i++) connection.client.on('data', () => kept.push(connection))
      setInterval(() => {}, 1000)
  }
  next()
}
function throw_later(next) { next(DENYSOFT, 'later') }`;

const configuration = (port: number, entries: readonly object[]) => (config: Parameters<typeof relayTo>[1]) => {
  const base = withListeners(relayTo(port, config), { require_login: false, tls: 'none' });
  const delivery = base.plugins.filter(({ use }) => use === 'delivery');
  // All clients come from one address here.
  const limits = { ...base.smtp?.limits, connections_per_address: 400 };
  return { ...base, smtp: { ...base.smtp, limits }, plugins: [...entries, ...delivery] } as typeof base;
};

const bridge = (id: string, folder: string, plugins: readonly string[]) => ({
  id,
  use: 'haraka',
  may_grant: true,
  config: { config_dir: folder, plugins },
});

let folder: TemporaryFolder;
let sink: CaptureSink;
let relay: Sluice;

beforeAll(async () => {
  folder = await temporaryFolder('haraka-bridges');
  sink = await startCaptureSink();
  await write(folder.path, {
    'one/config/word': 'one',
    'one/plugins/marking.js': marking,
    'two/config/word': 'two',
    'two/plugins/marking.js': marking,
    'two/config/plugin_timeout': '2',
    'two/plugins/misbehaving.js': misbehaving,
    'before.ts': native('before'),
    'between.ts': native('between'),
    'behind.ts': native('behind'),
  });
  relay = await startSluice({
    folder: folder.path,
    configure: configuration(sink.port, [
      { id: 'before', use: './before.ts' },
      bridge('first', './one', ['marking']),
      { id: 'between', use: './between.ts' },
      bridge('second', './two', ['misbehaving', 'marking']),
      { id: 'behind', use: './behind.ts' },
    ]),
  });
});
afterAll(async () => {
  await relay?.stop();
  await sink?.stop();
  await folder?.remove();
});

const session = async (): Promise<SmtpDialogue> => {
  const client = await SmtpDialogue.open(relay.ports.smtp);
  await client.expect(250, 'EHLO client.test');
  return client;
};

const mailTo = async (id: string) => {
  await waitFor(`the mail ${id}`, () => sink.mails.some(({ raw }) => raw.includes(`Message-ID: <${id}>`)));
  return sink.mails.find(({ raw }) => raw.includes(`Message-ID: <${id}>`))?.raw.toString() ?? '';
};

describe('two bridges among native plugins', () => {
  test('see one another, each with settings of its own, in the order of the configuration', async () => {
    await using client = await session();
    const message = 'From: a@example.org\r\nMessage-ID: <order@test>\r\n\r\nhello\r\n';
    expect(await client.send('a@example.org', ['x@example.net', 'y@example.net'], message)).toMatchObject({
      code: 250,
    });
    const mail = await mailTo('order@test');
    const lines = mail
      .replaceAll('\r\n ', ' ')
      .split('\r\n')
      .filter((line) => line.startsWith('X-'));
    expect(lines).toEqual([
      expect.stringMatching(/^X-Native: behind sees \[one .*,two .*\] notes \[two\]$/),
      expect.stringMatching(/^X-Native: between sees \[one .*\] notes \[one\]$/),
      'X-Native: before sees [] notes []',
      'X-Bridge: one natives=1 note=hello messages=1 rcpts=2',
      'X-Bridge: two natives=2 note=hello messages=2 rcpts=2',
    ]);
  });

  test('each refuse by themselves, and any of them grants', async () => {
    await using client = await session();
    await client.expect(250, 'MAIL FROM:<a@example.org>');
    expect(await client.command('RCPT TO:<x@one-denied.test>')).toEqual({
      code: 550,
      text: '5.7.1 one does not want it',
    });
    expect((await client.command('RCPT TO:<x@two-denied.test>')).text).toBe('5.7.1 two does not want it');
    await client.expect(250, 'RCPT TO:<x@b-example.test>');
  });

  test('serve 200 sessions at once, each with state of its own', async () => {
    const before = sink.mails.length;
    await Promise.all(
      Array.from({ length: 200 }, async (_, n) => {
        await using client = await session();
        for (const turn of [1, 2]) {
          const message = `From: a@example.org\r\nMessage-ID: <parallel-${n}-${turn}@test>\r\n\r\nhello\r\n`;
          const answer = await client.send(`s${n}@example.org`, [`r${n}@example.net`], message);
          expect(answer.code, answer.text).toBe(250);
        }
      }),
    );
    await sink.received(before + 400, 60_000);
    const mails = sink.mails.slice(before).map(({ raw }) => raw.toString());
    for (const mail of mails) {
      const turn = /parallel-\d+-(\d)@test/.exec(mail)?.[1];
      // Both bridges count within the connection, which is one.
      expect(mail).toContain(`messages=${turn === '1' ? 1 : 3} rcpts=1`);
      expect(mail).toContain(`messages=${turn === '1' ? 2 : 4} rcpts=1`);
    }
  });
});

describe('a plugin that misbehaves', () => {
  test.each([
    ['throws', 451, /4\.3\.0/],
    ['rejects', 451, /4\.3\.0/],
    ['never', 450, /plugin timeout/],
    ['late', 450, /later/],
    ['twice', 250, /./],
    ['leaks', 250, /./],
  ])('%s: %i, and the session goes on', async (kind, code, text) => {
    await using client = await session();
    const answer = await client.command(`MAIL FROM:<${kind}@example.org>`);
    expect(answer.code, answer.text).toBe(code);
    expect(answer.text).toMatch(text);
    await client.expect(250, 'RSET');
    const message = `From: a@example.org\r\nMessage-ID: <after-${kind}@test>\r\n\r\nhello\r\n`;
    expect((await client.send('a@example.org', ['x@example.net'], message)).code).toBe(250);
  });

  test('keeps nobody from stopping: SIGTERM ends the process, whatever timers were left', async () => {
    const { code } = await relay.terminate();
    expect(code, relay.output()).toBe(0);
  });
});
