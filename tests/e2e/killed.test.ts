import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { createCredential, registerFirst } from '../support/api-client.ts';
import { startCaptureSink } from '../support/capture-sink.ts';
import { startJournal } from '../support/journal.ts';
import type { CutPhase, JournalEntry } from '../support/journal-entry.ts';
import { startSluice } from '../support/process.ts';
import { waitFor } from '../support/wait-for.ts';

/*
 * kill -9 of the whole process at random moments under load. The journal of the client is what was promised, the
 * captures of the sink are what was kept.
 */
const leastKills = 20;
const mostKills = 60;
/** So many kills must have met an open DATA, and as many a sent, unanswered dot; otherwise nothing was shown. */
const leastMet = 5;
const concurrency = 20;
const ahead = 20;

const queueState = z.object({ state: z.object({ messages: z.number() }) });
const logPage = z.object({ items: z.array(z.object({ recipients: z.array(z.object({ ambiguous: z.boolean() })) })) });
const conservation = z.object({ balanced: z.boolean() });

const cutAt = (entries: readonly JournalEntry[], phase: CutPhase): boolean =>
  entries.some((entry) => entry.event === 'cut' && entry.phase === phase);

test('nothing acknowledged is lost by kill -9, and only what was in flight is sent twice, and said so', async () => {
  await using sink = await startCaptureSink({ keepRaw: false, dotDelay: 40 });
  await using relay = await startSluice({
    configure: (config) => ({
      ...config,
      log: { level: 'warn' },
      smtp: {
        ...config.smtp,
        listeners: (config.smtp?.listeners ?? []).map((listener) => ({ ...listener, auth_without_tls: true })),
      },
      worker: { concurrency, ahead, ambiguous_delay: '1s', retry: { first: '1s', most: '2s' } },
      plugins: config.plugins.map((plugin) =>
        plugin.use === 'delivery'
          ? { ...plugin, config: { upstreams: [{ name: 'default', host: '127.0.0.1', port: sink.port, tls: 'none' }] } }
          : plugin,
      ),
    }),
  });
  const account = await registerFirst(relay.api);
  const { username, password } = await createCredential(account, {
    name: 'kill',
    daily_quota: null,
    hourly_quota: null,
  });
  const journal = startJournal(
    {
      port: relay.ports.smtp,
      username,
      password,
      rate: 250,
      sizes: [1_024, 1_024, 2_048, 4_096, 4_096, 8_192, 8_192, 32_768, 200_000, 2_000_000],
    },
    relay.folder,
  );
  await using _ = journal;

  let kills = 0;
  const met = { data: 0, dot: 0 };
  let seen = 0;
  while (kills < leastKills || (Math.min(met.data, met.dot) < leastMet && kills < mostKills)) {
    const before = (await journal.entries()).filter(({ event }) => event === 'accepted').length;
    await journal.reaches(before + 20, ({ event }) => event === 'accepted');
    // The moment is what the test is about: somewhere in the next half second.
    await delay(randomInt(500));
    await relay.kill();
    kills += 1;
    await relay.start();
    const entries = await journal.entries();
    const cut = entries.slice(seen);
    seen = entries.length;
    if (cutAt(cut, 'data')) met.data += 1;
    if (cutAt(cut, 'dot')) met.dot += 1;
  }
  expect(met.data, 'kills that met an open DATA').toBeGreaterThanOrEqual(leastMet);
  expect(met.dot, 'kills that met a sent, unanswered dot').toBeGreaterThanOrEqual(leastMet);

  // From here on nothing is killed, and so nothing may be doubled.
  const quietFrom = Date.now();
  const accepted = (await journal.entries()).filter(({ event }) => event === 'accepted').length;
  await journal.reaches(accepted + 200, ({ event }) => event === 'accepted');
  const promised = (await journal.finish()).filter((entry) => entry.event === 'accepted');
  sink.slow(0);
  await waitFor(
    'the queue to be empty',
    async () => queueState.parse((await account.call('GET', '/api/queue')).body).state.messages === 0,
    { timeout: 120_000, interval: 200 },
  );

  const copies = Map.groupBy(sink.mails, ({ messageId }) => messageId);
  const lost = promised.filter(({ messageId }) => !copies.has(messageId));
  expect(lost.map(({ messageId, at }) => `${messageId} ${new Date(at).toISOString()}`)).toEqual([]);
  const changed = promised.filter(({ messageId, bodyHash }) =>
    (copies.get(messageId) ?? []).some((copy) => copy.bodyHash !== bodyHash),
  );
  expect(changed).toEqual([]);

  const doubled = [...copies].filter(([, mails]) => mails.length > 1).map(([messageId]) => messageId);
  expect(doubled.length).toBeLessThanOrEqual(kills * (concurrency + ahead));
  const quiet = new Set(promised.filter(({ at }) => at > quietFrom + 2_000).map(({ messageId }) => messageId));
  expect(doubled.filter((messageId) => quiet.has(messageId))).toEqual([]);
  for (const messageId of doubled) {
    const found = await account.call('GET', `/api/mail-logs?message_id=${encodeURIComponent(messageId)}`);
    const [entry] = logPage.parse(found.body).items;
    expect(entry?.recipients, messageId).toMatchObject([{ ambiguous: true }]);
  }
  expect(conservation.parse((await account.call('GET', '/api/system/conservation')).body).balanced).toBe(true);
}, 600_000);
