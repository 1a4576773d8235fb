import { readFile, writeFile } from 'node:fs/promises';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { type Account, createCredential, registerFirst, type SmtpCredential } from '../support/api-client.ts';
import { type CaptureSink, startCaptureSink } from '../support/capture-sink.ts';
import { type Sluice, sluiceCommand, startSluice } from '../support/process.ts';
import { waitFor } from '../support/wait-for.ts';
import { relayTo } from './support/relay-to.ts';

/* What the API and the command line tell of a relay that runs: upstreams, quotas, settings. */

let sink: CaptureSink;
let relay: Sluice;
let account: Account;
let credential: SmtpCredential;
beforeAll(async () => {
  sink = await startCaptureSink();
  relay = await startSluice({ configure: (config) => relayTo(sink.port, config) });
  account = await registerFirst(relay.api);
  credential = await createCredential(account, { daily_quota: 100, hourly_quota: 10 });
});
afterAll(async () => {
  await relay?.stop();
  await sink?.stop();
});

const sluice = (...words: string[]) => sluiceCommand([...words, '--config', relay.configFile], {}, relay.folder);
const send = async (subject: string, to: string | string[] = 'you@example.org') => {
  const transport = createTransport({
    host: '127.0.0.1',
    port: relay.ports.smtp,
    requireTLS: true,
    tls: { rejectUnauthorized: false },
    auth: { user: credential.username, pass: credential.password },
  });
  try {
    await transport.sendMail({ from: 'me@example.com', to, subject, text: 'hello' });
  } finally {
    transport.close();
  }
};

const upstreamSchema = z.object({
  state: z.string(),
  target: z.string().nullable(),
  last_error: z.string().nullable(),
  connections: z.object({ in_use: z.number(), idle: z.number() }).nullable(),
  waiting: z.object({ messages: z.number() }),
});
const upstream = async (name = 'default') =>
  upstreamSchema.parse((await account.call('GET', `/api/upstreams/${name}`)).body);
const period = z.object({ limit: z.number(), used: z.number(), reserved: z.number(), left: z.number() });

test('an upstream is unknown, up with a connection kept, and down with mail that waits', async () => {
  expect(await upstream()).toMatchObject({ state: 'unknown', connections: { in_use: 0, idle: 0 } });
  await send('first');
  // Each of these is told by itself, and may be a moment ahead of the others.
  const up = await waitFor('the upstream to be up, with a connection kept and nothing waiting', async () => {
    const now = await upstream();
    return now.state === 'up' && now.connections?.idle === 1 && now.waiting.messages === 0 ? now : undefined;
  });
  expect(up.target).toBe(`127.0.0.1:${sink.port}`);

  const dead = await startCaptureSink();
  await dead.stop();
  const changed = await account.call('PATCH', '/api/upstreams/default', { port: dead.port, breaker: { failures: 1 } });
  expect(changed.status).toBe(200);
  await send('second');
  const down = await waitFor('the upstream to be down', async () => {
    const now = await upstream();
    return now.state === 'down' && now.waiting.messages === 1 ? now : undefined;
  });
  expect(down).toMatchObject({ target: `127.0.0.1:${dead.port}`, last_error: expect.stringContaining('ECONNREFUSED') });

  const dry = await account.call('PATCH', '/api/upstreams/default?dry_run=true', { connections: 3 });
  expect(dry.status).toBe(200);
  // What is only built to see whether it can be tells nothing of how upstreams stand.
  expect(['down', 'probing']).toContain((await upstream()).state);

  await account.call('PATCH', '/api/upstreams/default', { port: sink.port });
  expect((await account.call('POST', '/api/queue/actions', { action: 'retry', filter: {} })).status).toBe(200);
  await sink.received(2);
});

test('the connection is tested by the relay itself, through API and command line', async () => {
  const answer = await account.call('POST', '/api/upstreams/default/test-connection');
  expect([answer.status, answer.body]).toMatchObject([200, { ok: true, address: `127.0.0.1:${sink.port}` }]);
  const good = await sluice('upstream', 'test', 'default');
  expect([good.code, good.stdout]).toEqual([0, expect.stringContaining('ready for mail')]);
  expect((await sluice('upstream', 'test', 'nobody')).code).toBe(69);
  const list = await sluice('upstream', 'list', '--json');
  expect(JSON.parse(list.stdout)).toMatchObject({ upstreams: [{ name: 'default', target: `127.0.0.1:${sink.port}` }] });
  expect((await sluice('upstream', 'list')).stdout).toMatch(/^default +127\.0\.0\.1:/m);
});

test('quotas count what SMTP accepted', async () => {
  const quota = async () => {
    const { body } = await account.call('GET', `/api/quotas/${credential.id}`);
    return z.object({ hour: period, day: period }).parse(body);
  };
  const before = await quota();
  await send('to three', ['a@example.org', 'b@example.org', 'c@example.org']);
  const after = await quota();
  // Where the hour or the day turned meanwhile, it counts from 0.
  const counted = (was: number) => [was + 3, 3];
  expect(counted(before.hour.used)).toContain(after.hour.used);
  expect(counted(before.day.used)).toContain(after.day.used);
  expect([after.hour.left, after.hour.reserved]).toEqual([10 - after.hour.used, 0]);
});

test('check tells, beside the relay and without it, where the file changed under what the API set', async () => {
  const warning =
    /^warning plugins\.delivery\.config\.upstreams\.default\.port changed in the file after the API set it/m;
  const calm = await sluice('check');
  expect([calm.code, calm.stderr]).toEqual([0, '']);
  await writeFile(
    relay.configFile,
    (await readFile(relay.configFile, 'utf8')).replace(`port: ${sink.port}`, 'port: 2599'),
  );
  const beside = await sluice('check');
  expect([beside.code, beside.stderr, beside.stdout]).toEqual([
    0,
    expect.stringMatching(warning),
    expect.stringContaining('with 1 warning'),
  ]);
  const shown = await sluice('check', '--show');
  expect(shown.stdout).toMatch(/^plugins\.delivery\.config\.upstreams\.default\.port +\d+ +API$/m);
  await relay.terminate();
  const alone = await sluice('check', '--json');
  expect(JSON.parse(alone.stdout)).toMatchObject({
    valid: true,
    drift: [{ plugin: 'delivery', settings: ['config.upstreams.default.port'] }],
    dormant: [],
  });
  await relay.start();
  const system = await account.call('GET', '/api/system');
  expect(system.body).toMatchObject({ mode: 'embedded', processes: [{ roles: ['smtp', 'worker', 'api'] }] });
  const configuration = await account.call('GET', '/api/system/configuration');
  expect(configuration.body).toMatchObject({ drift: [{ plugin: 'delivery' }] });
});

test('SIGHUP repeats the warnings of the configuration', async () => {
  await writeFile(relay.configFile, `${await readFile(relay.configFile, 'utf8')}\njwt_secret: short\n`);
  const before = relay.output().length;
  relay.child.signal('SIGHUP');
  await waitFor('the reload to end', () => /were read again|stays as it was/.test(relay.output().slice(before)));
  expect(relay.output().slice(before)).toMatch(/warning .*jwt_secret is short/);
});
