import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type MailChange, recipient } from '../../../tests/contract/mail.ts';
import { type CaptureSink, startCaptureSink } from '../../../tests/support/capture-sink.ts';
import { type RelayLab, startRelayLab } from '../../../tests/support/relay-lab.ts';
import type { SinkScript } from '../../../tests/support/sink-script.ts';
import { waitFor } from '../../../tests/support/wait-for.ts';
import { createSite, type Site } from '../testing/site.ts';
import { workerBridge } from '../testing/worker-bridge.ts';

const tried = ({ lastReply }: { lastReply: string | null }) => lastReply !== null;

/** What plugins of these tests write down, as they run in this process. */
const told: Record<string, unknown>[] = [];
Object.assign(globalThis, { told });

/** Without the reports that go back to example.org, which plugins see, too. */
const ofMail = () => told.filter(({ domain }) => domain !== 'example.org');

/** Writes hooks down as they are called: plugins see only a few globals, but modules of Node. */
const witness = `
const told = require('node:vm').runInThisContext('told');
const address = (a) => a.address;
const mail = (hmail) => ({ domain: hmail.todo.domain, to: hmail.todo.rcpt_to.map(address), failures: hmail.num_failures });
exports.hook_send_email = (next, hmail) => { told.push({ hook: 'send_email', ...mail(hmail) }); next(); };
exports.hook_deferred = (next, hmail, params) => {
  told.push({ hook: 'deferred', ...mail(hmail), delay: params.delay, err: params.err, part: params.fail_recips?.map(address) });
  next();
};
exports.hook_bounce = (next, hmail, err) => {
  told.push({ hook: 'bounce', ...mail(hmail), err: err.message, part: err.bounced_rcpt?.map(address),
    status: hmail.todo.rcpt_to.map((r) => r.dsn_status), action: hmail.todo.rcpt_to.map((r) => r.dsn_action) });
  next();
};
exports.hook_delivered = (next, hmail, params) => {
  const [host, ip, response, delay, port, mode, ok, secured, authenticated] = params;
  told.push({ hook: 'delivered', ...mail(hmail), host, ip, response, late: delay >= 0, port, mode, ok: ok.map(address), secured, authenticated });
  next();
};
`;

let site: Site;
let sink: CaptureSink;
let lab: RelayLab | null = null;

beforeEach(async () => {
  told.length = 0;
  site = await createSite({});
  sink = await startCaptureSink();
});

afterEach(async () => {
  await lab?.[Symbol.asyncDispose]();
  lab = null;
  await sink.stop();
  await site[Symbol.asyncDispose]();
});

/** Delivers a message with these plugins; what they do not route goes to the sink, too, as the upstream `default`. */
async function deliver(plugins: Record<string, string>, change: MailChange = {}, script?: SinkScript) {
  sink.behave(script);
  for (const [name, code] of Object.entries(plugins)) await site.write(`plugins/${name}.js`, code);
  const bridge = await workerBridge(site, Object.keys(plugins));
  lab = await startRelayLab({
    plugins: [bridge],
    upstreams: [{ name: 'default', host: '127.0.0.1', port: sink.port }],
  });
  const id = await lab.submit(change);
  return { id, lab, after: await lab.until(id, tried) };
}

const route = (answer: string) => `exports.hook_get_mx = (next, hmail, domain) => { ${answer} };`;
const two = { recipients: [recipient('a@one.example'), recipient('b@one.example'), recipient('c@two.example')] };

describe('get_mx', () => {
  test.each([
    ['a name with its port', (port: number) => `next(OK, '127.0.0.1:${port}')`],
    ['a URL', (port: number) => `next(OK, 'smtp://127.0.0.1:${port}')`],
    ['an object', (port: number) => `next(OK, { exchange: '127.0.0.1', port: '${port}', priority: 0 })`],
    ['a list', (port: number) => `next(OK, [{ exchange: '127.0.0.1', port: ${port} }, 'backup.example'])`],
    ['a promise', (port: number) => `next(OK, Promise.resolve('127.0.0.1:${port}'))`],
  ])('OK with %s: the mail goes there', async (_, answer) => {
    const { after } = await deliver({ router: route(answer(sink.port)), witness });
    expect(after.recipients[0]).toMatchObject({ state: 'delivered', upstream: `127.0.0.1:${sink.port}` });
    await waitFor('the hook', () => told.length === 2);
    expect(told[1]).toMatchObject({
      hook: 'delivered',
      domain: 'example.com',
      host: '127.0.0.1',
      ip: '127.0.0.1',
      response: 'Ok: taken',
      late: true,
      port: sink.port,
      mode: 'SMTP',
      ok: ['to@example.com'],
      secured: false,
      authenticated: false,
    });
  });

  test('CONT leaves the mail to the configuration', async () => {
    const { after } = await deliver({ router: route('next()') });
    expect(after.recipients[0]).toMatchObject({ state: 'delivered', upstream: 'default' });
  });

  test('DENY bounces, and the sender hears of it', async () => {
    const { after, lab } = await deliver({
      router: route(`next(domain === 'example.com' ? DENY : CONT, 'no')`),
      witness,
    });
    expect(after.recipients[0]).toMatchObject({ state: 'bounced', lastReply: '550 5.1.2 No MX for example.com' });
    expect(ofMail().at(-1)).toMatchObject({
      hook: 'bounce',
      err: '550 5.1.2 No MX for example.com',
      status: ['5.1.2'],
      action: ['failed'],
    });
    expect(await lab.reports()).toHaveLength(1);
  });

  test('DENYSOFT defers', async () => {
    const { after } = await deliver({ router: route('next(DENYSOFT)'), witness });
    expect(after.recipients[0]).toMatchObject({ state: 'deferred', attempts: 1 });
    expect(told.at(-1)).toMatchObject({ hook: 'deferred', failures: 1 });
    expect(Number(told.at(-1)?.delay)).toBeGreaterThan(40);
  });

  test('a null MX bounces', async () => {
    const { after } = await deliver({ router: route(`next(OK, { exchange: '', priority: 0 })`) });
    expect(after.recipients[0]).toMatchObject({ state: 'bounced', lastReply: expect.stringContaining('5.1.10') });
  });

  test('what is no server defers, and says so', async () => {
    const { after } = await deliver({ router: route('next(OK, {})') });
    expect(after.recipients[0]).toMatchObject({ state: 'deferred', lastReply: expect.stringContaining('451') });
  });

  test('a plugin that throws defers, and the next is not asked in its stead', async () => {
    const { after } = await deliver({ router: route(`throw new Error('broken')`), witness });
    expect(after.recipients[0]).toMatchObject({ state: 'deferred' });
    expect(sink.mails).toHaveLength(0);
  });

  test('it is asked once a domain, with all of its recipients', async () => {
    const spy = `exports.hook_get_mx = (next, hmail, domain) => {
      require('node:vm').runInThisContext('told').push({ domain, to: hmail.todo.rcpt_to.map((a) => a.address) });
      next();
    };`;
    await deliver({ spy }, two);
    expect(told).toEqual([
      { domain: 'one.example', to: ['a@one.example', 'b@one.example'] },
      { domain: 'two.example', to: ['c@two.example'] },
    ]);
  });

  test('notes of the transaction, sender and times are there; an address of one domain is not in the other', async () => {
    const spy = `exports.hook_get_mx = (next, hmail, domain) => {
      const { todo } = hmail;
      hmail.results.add({ name: 'spy' }, { pass: 'seen' });
      hmail.lognotice('seen');
      require('node:vm').runInThisContext('told').push({
        wants: todo.notes.get('queue.wants'), same: hmail.notes === todo.notes, from: todo.mail_from.address,
        uuid: todo.uuid, time: todo.queue_time, domain: hmail.domain, has: hmail.results.has('spy', 'pass', 'seen'),
      });
      next();
    };`;
    const { id, after } = await deliver({ spy }, { facts: { notes: { haraka: { queue: { wants: 'lmtp' } } } } });
    expect(told).toEqual([
      {
        wants: 'lmtp',
        same: true,
        from: 'from@example.org',
        uuid: `${id}.1`,
        time: after.acceptedAt,
        domain: 'example.com',
        has: true,
      },
    ]);
  });
});

describe('send_email', () => {
  test('DELAY puts a domain off by its seconds, without an attempt and without `deferred`; the other goes', async () => {
    const busy = `exports.hook_send_email = (next, hmail) => next(hmail.todo.domain === 'one.example' ? DELAY : CONT, 3600);`;
    const start = Date.now();
    const { after } = await deliver({ busy, witness }, two);
    expect(after.recipients).toMatchObject([
      { state: 'deferred', attempts: 0 },
      { state: 'deferred', attempts: 0 },
      { state: 'delivered' },
    ]);
    const wait = (after.recipients[0]?.nextAt ?? 0) - start;
    expect(wait).toBeGreaterThanOrEqual(3_600_000);
    expect(wait).toBeLessThan(3_660_000);
    await waitFor('the hook', () => told.some(({ hook }) => hook === 'delivered'));
    expect(told.map(({ hook }) => hook)).toEqual(['send_email', 'delivered']);
  });

  test('is asked again when its time has come', async () => {
    const once = `let asked = 0; exports.hook_send_email = (next) => next(asked++ === 0 ? DELAY : CONT, 1);`;
    const { id, lab } = await deliver({ once });
    await lab.until(id, ({ state }) => state === 'delivered');
  });
});

describe('what was no success', () => {
  const refusing: SinkScript = ({ phase, line }) => {
    if (phase !== 'rcpt' || line.includes('<from')) return undefined;
    if (line.includes('<a@')) return { reply: '550 5.1.1 nobody' };
    return line.includes('<b@') ? { reply: '450 4.2.0 greylisted' } : undefined;
  };

  test('deferred, bounce and delivered each hear of their recipients', async () => {
    const { lab } = await deliver({ witness }, two, refusing);
    await waitFor('the hooks', () => ofMail().length === 5);
    expect(ofMail().filter(({ hook }) => hook !== 'send_email')).toMatchObject([
      {
        hook: 'bounce',
        domain: 'one.example',
        to: ['a@one.example'],
        part: ['a@one.example'],
        err: '550 5.1.1 nobody',
      },
      { hook: 'deferred', to: ['b@one.example'], part: ['b@one.example'], err: '450 4.2.0 greylisted', failures: 1 },
      { hook: 'delivered', to: ['c@two.example'], host: 'default', port: sink.port },
    ]);
    expect(await lab.reports()).toHaveLength(1);
  });

  test('bounce: whatever is not CONT keeps the report back', async () => {
    const silent = 'exports.hook_bounce = (next) => next(OK);';
    const { after, lab } = await deliver({ silent }, two, refusing);
    expect(after.recipients.map(({ state }) => state)).toEqual(['bounced', 'deferred', 'delivered']);
    expect(await lab.reports()).toHaveLength(0);
  });

  test('deferred: DENYSOFT sets the next try', async () => {
    const patient = 'exports.hook_deferred = (next) => next(DENYSOFT, 7200);';
    const start = Date.now();
    const { after, lab } = await deliver({ patient }, two, refusing);
    expect(after.recipients.map(({ state }) => state)).toEqual(['bounced', 'deferred', 'delivered']);
    expect(after.recipients[1]).toMatchObject({ attempts: 1, lastReply: '450 4.2.0 greylisted' });
    expect((after.recipients[1]?.nextAt ?? 0) - start).toBeGreaterThanOrEqual(7_200_000);
    expect(await lab.reports()).toHaveLength(1);
  });

  test('deferred: anything else drops the mail', async () => {
    const dropping = 'exports.hook_deferred = (next) => next(OK);';
    const { after } = await deliver({ dropping }, two, refusing);
    expect(after.recipients.map(({ state }) => state)).toEqual(['bounced', 'discarded', 'delivered']);
  });

  test('a plugin that throws changes nothing', async () => {
    const broken = `exports.hook_deferred = () => { throw new Error('broken'); };
      exports.hook_bounce = () => { throw new Error('broken'); };`;
    const { after, lab } = await deliver({ broken }, two, refusing);
    expect(after.recipients.map(({ state }) => state)).toEqual(['bounced', 'deferred', 'delivered']);
    expect(await lab.reports()).toHaveLength(1);
  });
});
