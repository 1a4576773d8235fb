import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { PassThrough, Readable, Stream } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SluiceError } from '../../../core/domain/errors.ts';
import { pluginIdentity } from '../../../core/domain/identity.ts';
import { FakeSend } from '../../../core/pipeline/testing/fake-send.ts';
import { HookRunner } from '../hook-runner.ts';
import type { PluginHost } from '../host/plugin-host.ts';
import { HarakaTransaction, type MessageLimits } from '../session/haraka-transaction.ts';
import { createSite, loadSite, type Site } from '../testing/site.ts';
import { createOutbound, type OutboundFacade, type SendOptions } from './outbound-facade.ts';
import { beginQueueing, endQueueing } from './queueing.ts';

const signer = `exports.hook_pre_send_trans_email = (next, connection) => {
  connection.logdebug(this, 'signing');
  connection.transaction.add_leading_header('X-Signed', connection.transaction.header.get('Message-Id').trim());
  next();
};`;

const limits: MessageLimits = { main: { spool_after: 64 * 1024, spool_dir: tmpdir() }, headers: { max_lines: 100 } };

let site: Site;
let host: PluginHost;
let send: FakeSend;
let outbound: OutboundFacade;

beforeEach(async () => {
  site = await createSite({ 'plugins/signer.js': signer });
  host = await loadSite(site, ['signer']);
  send = new FakeSend();
  const { libraries, log: harakasLog } = host.process;
  outbound = createOutbound({
    libraries,
    runners: () => [new HookRunner(host)],
    files: host.files,
    send,
    identity: pluginIdentity('bridge'),
    harakasLog,
    limits,
    hostname: 'relay.example',
  });
});

afterEach(() => site[Symbol.asyncDispose]());

const { constants } = { constants: createRequire(import.meta.url)('haraka-constants') };

const sendEmail = (
  contents: unknown,
  options: SendOptions = {},
  from: unknown = '<me@example.org>',
  to: unknown = 'you@example.com',
) =>
  new Promise<{ code: number; message: unknown }>((resolve) => {
    outbound.send_email(from, to, contents, (code, message) => resolve({ code, message }), options);
  });

/** Header block and body of what was sent, without what differs each time. */
const content = (n = 0) =>
  (send.sent[n]?.content.toString() ?? '')
    .replace(/^Received: \(Haraka outbound\); .*\r\n/m, 'Received: (Haraka outbound)\r\n')
    .replace(/^Date: .*\d\d:\d\d:\d\d.*\r\n/m, 'Date: now\r\n')
    .replaceAll(/<[\w.-]+@relay\.example>/g, '<made>');

const head = 'Date: then\nMessage-Id: <own@x>\n\n';
const sentHead = 'Received: (Haraka outbound)\r\nX-Signed: <own@x>\r\nDate: then\r\nMessage-Id: <own@x>\r\n\r\n';

describe('send_email', () => {
  test('hands the mail over, completed as Haraka completes it, after its hook', async () => {
    const answer = await sendEmail('Subject: hello\n\nbody\n');
    expect(answer).toEqual({ code: constants.ok, message: 'Message Queued (sent-1)' });
    expect(content().split('\r\n')).toEqual([
      'X-Signed: <made>',
      'Received: (Haraka outbound)',
      'Subject: hello',
      'Message-Id: <made>',
      'Date: now',
      '',
      'body',
      '',
    ]);
    expect(send.sent[0]).toMatchObject({
      sender: 'me@example.org',
      recipients: ['you@example.com'],
      identity: { ownerId: 'plugin:bridge' },
      notes: { haraka: {} },
    });
  });

  test.each<[string, () => unknown]>([
    ['a string', () => `${head}.one\n..two\nthree`],
    ['bytes', () => Buffer.from(`${head}.one\r\n..two\r\nthree\r\n`)],
    ['a list', () => [head, '.one\n', '..two\nthree\n']],
    ['a stream', () => Readable.from([head, '.on', 'e\n..two', '\nthree'])],
    ['a stream of the old kind', () => oldStream(`${head}.one\n..two\nthree\n`)],
  ])('takes %s; dots at line starts arrive as they are', async (_, contents) => {
    expect(await sendEmail(contents())).toMatchObject({ code: constants.ok });
    expect(content().replace(/^X-Signed.*\r\nReceived.*\r\n/, '')).toBe(
      'Date: then\r\nMessage-Id: <own@x>\r\n\r\n.one\r\n..two\r\nthree\r\n',
    );
  });

  test('doubled dots are undone where the plugin says that they are doubled', async () => {
    await sendEmail(`${head}..one\r\n`, { dot_stuffed: true });
    expect(content().endsWith('\r\n\r\n.one\r\n')).toBe(true);
  });

  test('a large stream goes through a file, and nothing of it is lost', async () => {
    const line = `${'x'.repeat(76)}\n`;
    const pieces = function* () {
      yield head;
      for (let n = 0; n < 30; n++) yield line.repeat(1_000);
    };
    expect(await sendEmail(Readable.from(pieces()))).toMatchObject({ code: constants.ok });
    expect(send.sent[0]?.content.length).toBeGreaterThan(30_000 * 78);
    expect(send.sent[0]?.content.subarray(-78).toString()).toBe(`${'x'.repeat(76)}\r\n`);
  });

  test('Message-Id and Date are made anew where the plugin wants them gone', async () => {
    await sendEmail(`${head}body\n`, { remove_msgid: true, remove_date: true });
    expect(content()).toContain('Message-Id: <made>\r\nDate: now\r\n\r\nbody');
  });

  test('addresses may be objects, several, and the null sender; notes go along', async () => {
    const { Address } = host.process.libraries;
    const to = [new Address('<a@one.example>'), 'b@two.example'];
    await sendEmail(head, { notes: { kind: 'report', call: () => 1 } }, new Address('<>'), to);
    expect(send.sent[0]).toMatchObject({
      sender: '',
      recipients: ['a@one.example', 'b@two.example'],
      notes: { haraka: { kind: 'report' } },
    });
  });

  test("addresses of another copy of the library, as a plugin's own, are taken", async () => {
    const { Address } = createRequire(import.meta.url)('@haraka/email-address');
    await sendEmail(head, {}, new Address('<me@example.org>'), new Address('<you@example.com>'));
    expect(send.sent[0]).toMatchObject({ sender: 'me@example.org', recipients: ['you@example.com'] });
  });

  test.each<[string, unknown, unknown, string]>([
    ['a malformed sender', 'no address', 'you@example.com', 'Malformed from'],
    ['a malformed recipient', '<>', ['you@example.com', 'no address'], 'Malformed to address (no address)'],
    ['no recipient', '<>', [], 'No recipients'],
  ])('%s is DENY', async (_, from, to, words) => {
    const answer = await sendEmail(head, {}, from, to);
    expect(answer.code).toBe(constants.deny);
    expect(String(answer.message)).toContain(words);
    expect(send.sent).toEqual([]);
  });

  test.each([
    [new SluiceError('MAIL_REFUSED', 'no'), 'deny'],
    [new SluiceError('STORE_FULL', 'full'), 'denysoft'],
    [new Error('gone'), 'denysoft'],
  ])('%s is %s', async (failure, code) => {
    send.failure = failure;
    expect(await sendEmail(head)).toEqual({ code: constants[code], message: failure });
  });

  test('a stream that fails is DENYSOFT, contents that are none, too', async () => {
    const broken = new PassThrough();
    const answer = sendEmail(broken);
    broken.destroy(new Error('the source is gone'));
    expect(await answer).toMatchObject({ code: constants.denysoft });
    expect(await sendEmail(42)).toMatchObject({ code: constants.denysoft });
    expect(send.sent).toEqual([]);
  });

  test('a callback that throws is called once', async () => {
    let called = 0;
    outbound.send_email('<>', 'you@example.com', head, () => {
      called += 1;
      throw new Error('broken');
    });
    expect(await sendEmail(head)).toMatchObject({ code: constants.ok });
    expect(called).toBe(1);
  });

  test('no callback is needed', async () => {
    outbound.send_email('<>', 'you@example.com', head);
    await sendEmail(head);
    expect(send.sent).toHaveLength(2);
  });

  test('received_header of outbound.ini is heeded', async () => {
    await site.write('config/outbound.ini', 'received_header=disabled\n');
    const other = await loadSite(site, []);
    const { libraries, log: harakasLog } = other.process;
    outbound = createOutbound({
      libraries,
      runners: () => [],
      files: other.files,
      send,
      identity: pluginIdentity('bridge'),
      harakasLog,
      limits,
      hostname: 'relay.example',
    });
    await sendEmail(head);
    expect(content()).toBe('Date: then\r\nMessage-Id: <own@x>\r\n\r\n');
  });
});

describe('send_trans_email', () => {
  const transaction = () => {
    const { libraries, log } = host.process;
    const mail = new HarakaTransaction('UUID.1', null, log.addTo({ name: 'test' }), libraries, limits);
    mail.mail_from = new libraries.Address('<me@example.org>');
    mail.rcpt_to = [new libraries.Address('<you@example.com>')];
    for (const line of head.split(/(?<=\n)/)) mail.add_data(line.replace('\n', '\r\n'));
    return new Promise<HarakaTransaction>((resolve) => mail.end_data(() => resolve(mail)));
  };
  const sendTransaction = (mail: HarakaTransaction) =>
    new Promise<{ code: number; message: unknown }>((resolve) => {
      outbound.send_trans_email(mail, (code, message) => resolve({ code, message }));
    });

  test('sends a copy of a transaction as it stands', async () => {
    const mail = await transaction();
    mail.notes.set('queue.wants', 'outbound');
    expect(await sendTransaction(mail)).toMatchObject({ code: constants.ok });
    expect(send.sent[0]).toMatchObject({
      sender: 'me@example.org',
      notes: { haraka: { queue: { wants: 'outbound' } } },
    });
    expect(content().split('\r\n').toSorted()).toEqual(sentHead.split('\r\n').toSorted());
    expect(mail.results.has('outbound', 'pass', 'queued')).toBe(true);
  });

  test('the transaction that is being queued is left to the pipeline', async () => {
    const mail = await transaction();
    beginQueueing(mail);
    expect(await sendTransaction(mail)).toEqual({ code: constants.ok, message: 'Message Queued (UUID.1)' });
    expect(endQueueing(mail)).toBe(true);
    expect(send.sent).toEqual([]);
    expect(mail.header.get('X-Signed').trim()).toBe('<own@x>');
    // Afterwards it is a mail like any other.
    expect(endQueueing(mail)).toBe(false);
    await sendTransaction(mail);
    expect(send.sent).toHaveLength(1);
  });
});

describe('the queue', () => {
  test('is not in this process, and who asks for it learns where it is', async () => {
    expect(outbound.get_stats()).toBe('0/0/0');
    expect(outbound.delivery_queue.length()).toBe(0);
    expect(outbound.temp_fail_queue.length()).toBe(0);
    for (const ask of [outbound.list_queue, outbound.stat_queue, outbound.flush_queue]) {
      await expect(ask()).rejects.toThrow('sluice queue');
    }
  });

  test('counts what is being handed over', async () => {
    const contents = new PassThrough();
    const answer = sendEmail(contents);
    expect(outbound.get_stats()).toBe('1/0/0');
    contents.end(head);
    await answer;
    expect(outbound.get_stats()).toBe('0/0/0');
  });
});

/** A stream as Node had them at first: it tells of `data` and `end`, and nothing can iterate over it. */
function oldStream(text: string): Stream {
  const stream = new Stream();
  setImmediate(() => {
    for (const part of text.split(/(?=t)/)) stream.emit('data', part);
    stream.emit('end');
  });
  return stream;
}
