import { expect, test } from 'vitest';
import { z } from 'zod';
import { createCredential, registerFirst } from '../support/api-client.ts';
import { startCaptureSink } from '../support/capture-sink.ts';
import { startJournal } from '../support/journal.ts';
import { startSluice } from '../support/process.ts';
import { SmtpDialogue } from '../support/smtp-dialogue.ts';
import { waitFor } from '../support/wait-for.ts';
import { relayTo, withListeners } from './support/relay-to.ts';

/* SIGTERM under load, time and again: an orderly stop loses nothing and doubles nothing. */
const stops = 12;

const queueState = z.object({ state: z.object({ messages: z.number() }) });
const conservation = z.object({ balanced: z.boolean() });

test('each stop ends with 0 within 30 s, takes no new work, loses nothing and doubles nothing', async () => {
  await using sink = await startCaptureSink({ keepRaw: false, dotDelay: 20 });
  await using relay = await startSluice({
    configure: (config) => ({
      ...withListeners(relayTo(sink.port, config), { auth_without_tls: true }),
      log: { level: 'warn' },
      worker: { retry: { first: '1s', most: '2s' } },
    }),
  });
  const account = await registerFirst(relay.api);
  const { username, password } = await createCredential(account, { daily_quota: null, hourly_quota: null });
  const login = { port: relay.ports.smtp, username, password };
  await using journal = startJournal({ ...login, rate: 100, sizes: [1_024, 4_096, 32_768, 200_000] }, relay.folder);

  for (let stop = 0; stop < stops; stop += 1) {
    const before = (await journal.entries()).filter(({ event }) => event === 'accepted').length;
    await journal.reaches(before + 20, ({ event }) => event === 'accepted');
    const idle = await SmtpDialogue.open(relay.ports.smtp);
    await idle.expect(250, 'EHLO idle.test');
    const began = performance.now();
    relay.child.signal('SIGTERM');
    // A session between two transactions is told so, then closed.
    const last = await idle.reply();
    expect(last.code, last.text).toBe(421);
    expect(last.text).toMatch(/^4\.3\.2 /);
    await idle.closed();
    // Impatience changes nothing.
    if (stop % 2 === 1) relay.child.signal('SIGTERM');
    if (stop % 4 === 3) relay.child.signal('SIGINT');
    expect(await relay.child.exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - began).toBeLessThan(30_000);
    await relay.start();
  }
  const entries = await journal.finish();
  const promised = entries.filter((entry) => entry.event === 'accepted');
  // What was sent whole is answered: a cut may only meet what had not reached its dot.
  expect(entries.filter((entry) => entry.event === 'cut' && entry.phase === 'dot')).toEqual([]);
  for (const entry of entries) if (entry.event === 'refused') expect(entry.code, entry.reply).toBe(421);

  await waitFor(
    'the queue to be empty',
    async () => queueState.parse((await account.call('GET', '/api/queue')).body).state.messages === 0,
    { timeout: 60_000, interval: 200 },
  );
  const copies = Map.groupBy(sink.mails, ({ messageId }) => messageId);
  expect(promised.filter(({ messageId }) => !copies.has(messageId))).toEqual([]);
  expect([...copies.values()].filter((mails) => mails.length > 1).map(([first]) => first?.messageId)).toEqual([]);
  const hashes = new Map(promised.map(({ messageId, bodyHash }) => [messageId, bodyHash]));
  expect(sink.mails.filter(({ messageId, bodyHash }) => hashes.get(messageId) !== bodyHash)).toEqual([]);
  expect(conservation.parse((await account.call('GET', '/api/system/conservation')).body).balanced).toBe(true);
}, 290_000);
