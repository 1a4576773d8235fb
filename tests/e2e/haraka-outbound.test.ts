import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { type CaptureSink, startCaptureSink } from '../support/capture-sink.ts';
import { runChild } from '../support/child.ts';
import { launcher, type Sluice, startSluice } from '../support/process.ts';
import { SmtpDialogue } from '../support/smtp-dialogue.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait-for.ts';
import { withListeners } from './support/relay-to.ts';

/*
 * A site's own plugins in Haraka's outbound: they route by get_mx, put mail off, send mail of their own, hand a transaction
 * to outbound, and are told what became of each.
 */

/** Writes a line of JSON for each hook that is called, from whichever thread. */
const witness = (file: string): string => `
const fs = require('fs');
const tell = (hook, hmail, more) => fs.appendFileSync(${JSON.stringify(file)}, JSON.stringify({
  hook, domain: hmail.todo.domain, to: hmail.todo.rcpt_to.map((a) => a.address), from: hmail.todo.mail_from.address,
  colour: hmail.todo.notes.get('test.colour'), ...more,
}) + '\\n');
exports.hook_send_email = (next, hmail) => { tell('send_email', hmail); next(); };
exports.hook_delivered = (next, hmail, [host, ip, response, delay, port, mode]) => {
  tell('delivered', hmail, { host, ip, response, port, mode });
  next();
};
exports.hook_deferred = (next, hmail, { err }) => { tell('deferred', hmail, { err }); next(); };
exports.hook_bounce = (next, hmail, err) => { tell('bounce', hmail, { err: err.message }); next(); };
`;

const router = (port: number): string => `
const outbound = require('./outbound');
let delays = 0;
exports.hook_data_post = function (next, connection) {
  const { transaction } = connection;
  transaction.notes.set('test.colour', 'blue');
  if (transaction.rcpt_to[0].user !== 'copy') return next();
  outbound.send_email('<>', '<auditor@routed.test>', 'Subject: a copy\\n\\n.of ' + transaction.mail_from.address + '\\n', (code, msg) => {
    connection.transaction.results.add(this, { msg: String(msg) });
    next(code === OK ? CONT : DENYSOFT, msg);
  });
};
exports.hook_queue_outbound = (next, connection) => {
  if (connection.transaction.rcpt_to[0].user !== 'handed') return next();
  connection.transaction.add_header('X-Handed', 'over');
  outbound.send_trans_email(connection.transaction, next);
};
exports.hook_send_email = (next, hmail) => next(hmail.todo.domain === 'busy.test' && delays++ === 0 ? DELAY : CONT, 1);
exports.hook_get_mx = (next, hmail, domain) => {
  if (domain === 'nowhere.test') return next(DENY, 'no such place');
  if (domain === 'lmtp.test') return next(OK, { exchange: '127.0.0.1', port: ${port}, using_lmtp: true });
  return domain.endsWith('.test') ? next(OK, '127.0.0.1:${port}') : next();
};
`;

let folder: TemporaryFolder;
let routed: CaptureSink;
let usual: CaptureSink;
let relay: Sluice;
let log: string;

beforeAll(async () => {
  folder = await temporaryFolder('haraka-outbound');
  log = join(folder.path, 'told.jsonl');
  usual = await startCaptureSink();
  routed = await startCaptureSink({
    script: ({ phase, line }) => {
      if (line.startsWith('LHLO')) return { reply: '250 sink.test' };
      return phase === 'rcpt' && line.includes('<gone@') ? { reply: '550 5.1.1 gone' } : undefined;
    },
  });
  const files = {
    'plugins/witness.js': witness(log),
    'plugins/router.js': router(routed.port),
    'config/me': 'site.test\n',
  };
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder.path, 'haraka', name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
  relay = await startSluice({
    folder: folder.path,
    startTimeout: 60_000,
    configure: (config) => ({
      ...withListeners(config, { trusted_networks: [{ name: 'local', networks: ['127.0.0.0/8'] }] }),
      plugins: [
        { use: 'haraka', config: { config_dir: './haraka', plugins: ['witness', 'router'] } },
        {
          use: 'delivery',
          config: { upstreams: [{ name: 'usual', host: '127.0.0.1', port: usual.port, tls: 'none' }] },
        },
      ],
    }),
  });
});

afterAll(async () => {
  await relay?.stop();
  await routed?.stop();
  await usual?.stop();
  await folder?.remove();
});

const entry = z.looseObject({ hook: z.string(), domain: z.string(), to: z.array(z.string()) });

const told = async (domain: string) =>
  (await readFile(log, 'utf8').catch(() => ''))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => entry.parse(JSON.parse(line)))
    .filter((each) => each.domain === domain);

async function send(to: string, from = 'sender@home.example'): Promise<string> {
  await using client = await SmtpDialogue.open(relay.ports.smtp);
  await client.expect(250, 'EHLO client.test');
  const answer = await client.send(from, [to], 'From: sender@home.example\r\nSubject: hello\r\n\r\nbody');
  expect(answer.code, answer.text).toBe(250);
  return answer.text;
}

const arrived = (sink: CaptureSink, address: string) =>
  waitFor(`mail for ${address}`, () => sink.mails.find(({ recipients }) => recipients.includes(address)), {
    detail: () => relay.output(),
  });

test('mail goes where get_mx says, with notes of the session, and delivered is told of it', async () => {
  await send('one@routed.test');
  const mail = await arrived(routed, 'one@routed.test');
  expect(mail?.sender).toBe('sender@home.example');
  const hooks = await waitFor('the hooks', async () => {
    const seen = await told('routed.test');
    return seen.length === 2 ? seen : undefined;
  });
  expect(hooks).toMatchObject([
    { hook: 'send_email', to: ['one@routed.test'], colour: 'blue' },
    { hook: 'delivered', host: '127.0.0.1', port: routed.port, mode: 'SMTP', response: 'Ok: taken' },
  ]);
});

test('what get_mx leaves open goes as configured', async () => {
  await send('one@elsewhere.example');
  expect((await arrived(usual, 'one@elsewhere.example'))?.recipients).toEqual(['one@elsewhere.example']);
});

test('DELAY puts mail off for its seconds', async () => {
  await send('one@busy.test');
  await arrived(routed, 'one@busy.test');
  const hooks = await waitFor('the hooks', async () => {
    const seen = await told('busy.test');
    return seen.length === 3 ? seen : undefined;
  });
  expect(hooks.map(({ hook }) => hook)).toEqual(['send_email', 'send_email', 'delivered']);
});

test('DENY of get_mx bounces; so does a refusal, and bounce is told of both', async () => {
  await send('one@nowhere.test', 'first@home.example');
  await send('gone@refused.test', 'second@home.example');
  const reports = [await arrived(usual, 'first@home.example'), await arrived(usual, 'second@home.example')];
  expect(reports.map((mail) => mail?.raw.toString())).toEqual([
    expect.stringContaining('No MX for nowhere.test'),
    expect.stringContaining('5.1.1 gone'),
  ]);
  expect(await told('nowhere.test')).toMatchObject([
    { hook: 'send_email' },
    { hook: 'bounce', err: '550 5.1.2 No MX for nowhere.test' },
  ]);
  expect(await told('refused.test')).toMatchObject([{ hook: 'send_email' }, { hook: 'bounce', err: '550 5.1.1 gone' }]);
});

test('LMTP where get_mx says so', async () => {
  await send('one@lmtp.test');
  await arrived(routed, 'one@lmtp.test');
  const hooks = await waitFor('the hook', async () => {
    const seen = await told('lmtp.test');
    return seen.length === 2 ? seen : undefined;
  });
  expect(hooks[1]).toMatchObject({ hook: 'delivered', mode: 'LMTP' });
});

test('a plugin sends a mail of its own, which belongs to the bridge', async () => {
  await send('copy@elsewhere.example');
  await arrived(usual, 'copy@elsewhere.example');
  const mail = await arrived(routed, 'auditor@routed.test');
  expect(mail?.sender).toBe('');
  expect(mail?.raw.toString()).toMatch(
    /^Received: \(Haraka outbound\); .*\r\nSubject: a copy\r\nMessage-Id: <.*@relay\.test>\r\nDate: .*\r\n\r\n\.of sender@home\.example\r\n$/,
  );
});

test('a transaction handed to outbound is queued once, as the client was told', async () => {
  await send('handed@routed.test');
  const mail = await arrived(routed, 'handed@routed.test');
  expect(mail?.raw.toString()).toMatch(/^X-Handed: over\r$/m);
  expect(routed.mails.filter(({ recipients }) => recipients.includes('handed@routed.test'))).toHaveLength(1);
});

test('the sum of all recipients is right, and the process stops in order', async () => {
  const { code, stdout, stderr } = await runChild(process.execPath, [
    launcher,
    'conservation',
    '--json',
    '--config',
    relay.configFile,
  ]);
  expect(code, stderr).toBe(0);
  // Eight of clients, one of a plugin; two reports.
  expect(JSON.parse(stdout)).toMatchObject({ accepted: 9, generated: 2, balanced: true, states: { bounced: 2 } });
  expect(await relay.terminate()).toEqual({ code: 0, signal: null });
});
