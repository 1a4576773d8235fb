import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { type Account, createCredential, registerFirst, type SmtpCredential } from '../support/api-client.ts';
import { type CaptureSink, startCaptureSink } from '../support/capture-sink.ts';
import { repository, type Sluice, sluiceCommand, startSluice } from '../support/process.ts';
import { waitFor } from '../support/wait-for.ts';
import { clientSession } from './support/client-session.ts';
import { relayTo } from './support/relay-to.ts';

/* Settings of plugins changed by the API while mail flows. */

let sink: CaptureSink;
let relay: Sluice;
let account: Account;
let credential: SmtpCredential;

beforeAll(async () => {
  sink = await startCaptureSink();
  relay = await startSluice({
    configure: (config) => {
      const { plugins, ...rest } = relayTo(sink.port, config);
      const use = join(repository, 'tests/e2e/support/label-plugin.ts');
      const own = plugins.map((entry) =>
        entry.use === 'rate-limit' || entry.use === 'blacklist' ? { ...entry, enabled: false } : entry,
      );
      const smtp = { ...rest.smtp, limits: { errors: 1_000_000 } } as typeof rest.smtp;
      return { ...rest, smtp, plugins: [{ id: 'label', use, config: { label: 'start' } }, ...own] };
    },
  });
  account = await registerFirst(relay.api);
  credential = await createCredential(account);
});
afterAll(async () => {
  await relay?.stop();
  await sink?.stop();
});

const changed = z.object({ version: z.number() });
const setLabel = (label: string) => account.call('PATCH', '/api/plugins/label', { config: { label } });
const logPage = z.object({
  items: z.array(z.object({ id: z.string(), kind: z.string(), subject: z.string().nullable() })),
  next: z.string().nullable(),
});
const traced = z.object({ pipeline_version: z.number() });

/** Ids of all accepted messages by subject. */
async function accepted(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  let cursor = '';
  for (;;) {
    const page = logPage.parse((await account.call('GET', `/api/mail-logs?limit=200${cursor}`)).body);
    for (const { id, kind, subject } of page.items) {
      if (kind === 'message' && subject !== null) found.set(subject, id);
    }
    if (page.next === null) return found;
    cursor = `&cursor=${page.next}`;
  }
}

test('a hundred changes under twenty clients: no session dropped, no mail lost, each judged by one configuration', async () => {
  const versions = new Map<string, number>();
  let changes = 0;
  let next = Promise.withResolvers<void>();

  /** One connection through all the changes; a mail after each of them, and whatever it missed meanwhile. */
  const send = async (client: number): Promise<{ subject: string; label: string }[]> => {
    await using session = await clientSession(relay, credential);
    connected += 1;
    const sent: { subject: string; label: string }[] = [];
    while (changes < 100) {
      await next.promise;
      const subject = `client ${client} mail ${sent.length}`;
      await session.expect(250, 'MAIL FROM:<me@example.com>');
      const refused = await session.expect(550, 'RCPT TO:<label@example.org>');
      await session.expect(250, 'RCPT TO:<you@example.org>');
      await session.expect(354, 'DATA');
      await session.expect(250, `From: me@example.com\r\nSubject: ${subject}\r\n\r\nhello\r\n.`);
      sent.push({ subject, label: /label is (\S+)/.exec(refused.text)?.[1] ?? '' });
    }
    await session.expect(221, 'QUIT');
    return sent;
  };
  let connected = 0;
  const sending = Promise.all(Array.from({ length: 20 }, (_, client) => send(client)));
  sending.catch(() => undefined);
  await waitFor('all clients to be logged in', () => connected === 20, { timeout: 30_000 });
  while (changes < 100) {
    const label = `label-${changes + 1}`;
    const answer = await setLabel(label);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    versions.set(label, changed.parse(answer.body).version);
    changes += 1;
    next.resolve();
    if (changes < 100) next = Promise.withResolvers();
  }
  const perClient = await sending;
  expect(new Set(versions.values()).size).toBe(100);
  for (const sent of perClient) expect(new Set(sent.map(({ label }) => label)).size).toBeGreaterThanOrEqual(10);

  const sent = perClient.flat();
  const mails = await sink.received(sent.length, 60_000);
  const labels = new Map(
    mails.map(({ raw }) => {
      const text = raw.toString('latin1');
      return [/^Subject: (.*)\r$/m.exec(text)?.[1], /^X-Label: (.*)\r$/m.exec(text)?.[1]];
    }),
  );
  const ids = await accepted();
  expect(ids.size).toBe(sent.length);
  for (const { subject, label } of sent) {
    expect(labels.get(subject)).toBe(`${label} ${label}`);
    const { body } = await account.call('GET', `/api/mail-logs/${ids.get(subject)}`);
    expect(traced.parse(body).pipeline_version).toBe(versions.get(label));
  }
  expect(sink.mails).toHaveLength(sent.length);
}, 180_000);

test.each(['smtp', 'worker'])('a change that does not start in the %s role is in force nowhere', async (role) => {
  const before = await account.call('GET', '/api/plugins');
  const refused = await account.call('PATCH', '/api/plugins/label', { config: { label: 'bad', fails_in: role } });
  expect([refused.status, refused.body]).toEqual([
    422,
    expect.objectContaining({
      code: 'PLUGIN_START_FAILED',
      detail: expect.stringContaining(`told to fail in ${role}`),
    }),
  ]);
  const dry = await account.call('PATCH', '/api/plugins/label?dry_run=true', { config: { fails_in: role } });
  expect(dry.status).toBe(422);
  expect((await account.call('GET', '/api/plugins')).body).toEqual(before.body);
  const history = await account.call('GET', '/api/plugins/history?limit=1');
  expect(history.body).toMatchObject({
    items: [{ state: 'rejected', reason: expect.stringContaining(`told to fail in ${role}`) }],
  });
  await using session = await clientSession(relay, credential);
  await session.expect(250, 'MAIL FROM:<me@example.com>');
  expect((await session.command('RCPT TO:<label@example.org>')).text).not.toContain('bad');
});

test('what was set is in force after a restart, with its version, and `plugins reset` drops it while nothing runs', async () => {
  const { version } = changed.parse((await setLabel('kept')).body);
  const label = async () => {
    await using session = await clientSession(relay, credential);
    await session.expect(250, 'MAIL FROM:<me@example.com>');
    return (await session.command('RCPT TO:<label@example.org>')).text;
  };
  await relay.kill();
  await relay.start();
  expect(await label()).toContain('label is kept');
  expect((await account.call('GET', '/api/plugins')).body).toMatchObject({ version });
  await relay.terminate();
  const reset = await sluiceCommand(['plugins', 'reset', 'label', '--config', relay.configFile], {}, relay.folder);
  expect(reset.code, reset.stderr).toBe(0);
  await relay.start();
  expect(await label()).toContain('label is start');
});

test('a credential that is switched off stops within 5 s in an open session', async () => {
  const revoked = await createCredential(account);
  await using session = await clientSession(relay, revoked);
  await session.expect(250, 'MAIL FROM:<me@example.com>');
  await session.expect(250, 'RSET');
  const answer = await fetch(`${relay.api}/api/smtp-credentials/${revoked.id}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${account.token}`, 'content-type': 'application/json', 'if-match': '*' },
    body: JSON.stringify({ enabled: false }),
  });
  expect(answer.status).toBe(200);
  const at = performance.now();
  await waitFor(
    'the session to be refused',
    async () => (await session.command('MAIL FROM:<me@example.com>')).code >= 400,
    {
      timeout: 5_000,
    },
  );
  expect(performance.now() - at).toBeLessThan(5_000);
});
