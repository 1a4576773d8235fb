import { createTransport } from 'nodemailer';
import { expect, test } from 'vitest';
import { type Account, createCredential, registerFirst, textField } from '../support/api-client.ts';
import { startCaptureSink } from '../support/capture-sink.ts';
import { cleanEnvironment, startChild } from '../support/child.ts';
import { type ReceivedEvent, TestEventSource } from '../support/event-source.ts';
import { startJournal } from '../support/journal.ts';
import { launcher, type Sluice, startSluice } from '../support/process.ts';
import { atFirst } from '../support/sink-script.ts';
import { waitFor } from '../support/wait-for.ts';
import { relayTo, withListeners } from './support/relay-to.ts';

/* What happens, as it happens, from a real process: over its streams of server-sent events. */

const listen = (relay: Sluice, { token }: Account, lastEventId?: string) =>
  TestEventSource.open(`${relay.api}/api/events`, { token, ...(lastEventId === undefined ? {} : { lastEventId }) });

const relayLoad = (port: number) =>
  startSluice({
    configure: (config) => ({
      ...withListeners(relayTo(port, config), { auth_without_tls: true }),
      log: { level: 'warn' },
      worker: { ambiguous_delay: '1s', retry: { first: '1s', most: '2s' } },
    }),
  });

test('a stream tells of a message from its acceptance over a delay to its delivery, and ends with its right', async () => {
  await using sink = await startCaptureSink({ script: atFirst('rcpt', { reply: '450 4.2.0 greylisted' }) });
  await using relay = await relayLoad(sink.port);
  const account = await registerFirst(relay.api);
  const { id: credentialId, username, password } = await createCredential(account);
  await using stream = await listen(relay, account);
  expect([stream.status, stream.headers['content-type']]).toEqual([200, 'text/event-stream']);

  const transport = createTransport({
    host: '127.0.0.1',
    port: relay.ports.smtp,
    auth: { user: username, pass: password },
    ignoreTLS: true,
  });
  await transport.sendMail({
    from: 'me@example.com',
    to: 'you@example.org',
    messageId: '<one@example.com>',
    text: 'x',
  });
  const refused = transport.sendMail({ from: 'me@example.com', to: 'no-address@', text: 'x' });
  await expect(refused).rejects.toThrow();
  transport.close();

  const mail = () => stream.events.filter(({ data }) => data.message_id === '<one@example.com>');
  await waitFor('the delivery', () => mail().some(({ event }) => event === 'delivered'), { timeout: 30_000 });
  expect(mail().map(({ event }) => event)).toEqual(['accepted', 'deferred', 'delivered']);
  const [accepted, deferred, delivered] = mail().map(({ data }) => data);
  const common = { credential_id: credentialId, sender: 'me@example.com', recipients: ['you@example.org'] };
  expect(accepted).toMatchObject({ ...common, upstream: null, reply: null });
  expect(deferred).toMatchObject({ ...common, upstream: 'default', reply: expect.stringContaining('450 4.2.0 grey') });
  expect(delivered).toMatchObject({ ...common, upstream: 'default', reply: expect.stringMatching(/^250 /) });
  const found = await account.call('GET', `/api/mail-logs/${accepted?.mail_log_id}`);
  expect(found.body).toMatchObject({ id: accepted?.mail_log_id, status: 'delivered' });

  expect((await account.call('POST', '/api/auth/logout')).status).toBe(204);
  expect(await stream.closed()).toBe('ended');
  expect((await listen(relay, account)).status).toBe(401);
});

test('sluice events tells them at the terminal and in JSON, and goes on over a restart', async () => {
  await using relay = await startSluice({ configure: (config) => withListeners(config, { auth_without_tls: true }) });
  const account = await registerFirst(relay.api);
  const { username, password } = await createCredential(account);
  const start = (...words: string[]) =>
    startChild(process.execPath, [launcher, 'events', '--config', relay.configFile, ...words], {
      env: cleanEnvironment(),
    });
  const auth = { user: username, pass: password };
  const send = async (subject: string) => {
    const transport = createTransport({ host: '127.0.0.1', port: relay.ports.smtp, auth, ignoreTLS: true });
    await transport.sendMail({
      from: 'me@example.com',
      to: 'you@example.org',
      subject,
      messageId: `<${subject}@x.test>`,
    });
    transport.close();
  };
  await send('before');
  await using lines = start('--after', '0', '--types', 'accepted,captured');
  await using json = start('--after', '0', '--json');
  const captured = /^\d\d:\d\d:\d\d captured +<me@example\.com> → you@example\.org {2}default /m;
  await waitFor('the lines', () => captured.test(lines.stdout()), { timeout: 30_000, detail: lines.stderr });
  const heard = () =>
    json
      .stdout()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { id: number; type: string; message_id?: string });
  await waitFor('the JSON', () => heard().some(({ type }) => type === 'captured'), { timeout: 30_000 });
  await relay.terminate();
  await relay.start();
  await send('after');
  const after = () => heard().filter(({ message_id }) => message_id === '<after@x.test>');
  await waitFor('what came after the restart', () => after().length === 2, { timeout: 60_000, detail: json.stderr });
  expect(after().map(({ type }) => type)).toEqual(['accepted', 'captured']);
  const ids = heard().map(({ id }) => id);
  expect(ids).toEqual(Array.from(ids, (_, n) => n + 1));
  expect(lines.stdout()).not.toContain('configuration_changed');
});

test('a client that does not read is cut off and takes nothing from others; users hear of their own mail only', async () => {
  await using relay = await startSluice({ configure: (config) => withListeners(config, { auth_without_tls: true }) });
  const account = await registerFirst(relay.api);
  const { username, password } = await createCredential(account);
  const other = { email: 'other@example.com', password: 'password123' };
  expect((await account.call('POST', '/api/users', { username: 'other', ...other })).status).toBe(201);
  const token = textField(await account.call('POST', '/api/auth/login', other), 'token');

  await using slow = await listen(relay, account);
  slow.pause();
  await using quick = await listen(relay, account);
  await using others = await TestEventSource.open(`${relay.api}/api/events`, { token });
  expect(others.status).toBe(200);
  const transport = createTransport({
    host: '127.0.0.1',
    port: relay.ports.smtp,
    auth: { user: username, pass: password },
    ignoreTLS: true,
    pool: true,
    maxMessages: 1_000,
  });
  // Each brings forth two events of some 20 KB: together far more than the buffers of two sockets hold.
  const domain = `${'d'.repeat(60)}.${'e'.repeat(60)}.example.org`;
  const to = Array.from({ length: 90 }, (_, n) => `${String(n).padStart(60, 'r')}@${domain}`);
  const messages = 400;
  await Promise.all(
    Array.from({ length: messages }, (_, n) =>
      transport.sendMail({ envelope: { from: 'me@example.com', to }, subject: `${n}`, text: 'x' }),
    ),
  );
  transport.close();
  const captured = () => quick.events.filter(({ event }) => event === 'captured');
  await waitFor('all events', () => captured().length === messages, { timeout: 120_000 });
  expect(quick.state).toBe('open');
  await waitFor('the cut', () => relay.output().includes('its client takes nothing'), { timeout: 90_000 });
  slow.resume();
  expect(await slow.closed()).toBe('cut');
  expect(slow.events.length).toBeLessThan(2 * messages);
  expect([others.state, others.events]).toEqual(['open', []]);
}, 290_000);

test('over kill -9 a stream goes on where it was cut, without gaps and without repeats', async () => {
  await using sink = await startCaptureSink({ keepRaw: false, dotDelay: 10 });
  await using relay = await relayLoad(sink.port);
  const account = await registerFirst(relay.api);
  const credential = await createCredential(account, { daily_quota: null, hourly_quota: null });
  const journal = startJournal(
    {
      port: relay.ports.smtp,
      username: credential.username,
      password: credential.password,
      rate: 200,
      sizes: [1_024, 4_096],
    },
    relay.folder,
  );
  await using _ = journal;

  const heard: ReceivedEvent[] = [];
  let stream = await listen(relay, account);
  for (let kill = 0; kill < 4; kill += 1) {
    await stream.until(150, 60_000);
    await relay.kill();
    await stream.closed();
    heard.push(...stream.events);
    await relay.start();
    stream = await listen(relay, account, heard.at(-1)?.id);
    expect(stream.status).toBe(200);
  }
  const promised = (await journal.finish()).filter(({ event }) => event === 'accepted');
  const queue = async () => (await account.call('GET', '/api/queue')).body as { state: { messages: number } };
  await waitFor('the queue to be empty', async () => (await queue()).state.messages === 0, {
    timeout: 120_000,
    interval: 200,
  });
  const delivered = () => [...heard, ...stream.events].filter(({ event }) => event === 'delivered');
  const accepted = () => [...heard, ...stream.events].filter(({ event }) => event === 'accepted');
  await waitFor('the last events', () => delivered().length === accepted().length, { timeout: 30_000 });
  heard.push(...stream.events);
  await stream[Symbol.asyncDispose]();

  const ids = heard.map(({ id }) => Number(id));
  const [first = 0] = ids;
  expect(ids).toEqual(Array.from(ids, (_, n) => first + n));
  const times = Map.groupBy(
    heard.filter(({ event }) => event === 'accepted'),
    ({ data }) => data.message_id,
  );
  expect(promised.length).toBeGreaterThan(100);
  for (const { messageId } of promised) expect([messageId, times.get(messageId)?.length]).toEqual([messageId, 1]);

  // Another one, who hears all of it at once and later, hears the same.
  await using again = await listen(relay, account, String(first - 1));
  expect(await again.until(heard.length, 60_000)).toEqual(heard);
  expect((await relay.terminate()).code).toBe(0);
  expect(await again.closed()).toBe('ended');
}, 290_000);
