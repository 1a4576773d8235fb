import { expect, test } from 'vitest';
import { z } from 'zod';
import type { ConfigInput } from '../../core/config/schema.ts';
import { type Account, createCredential, registerFirst } from '../support/api-client.ts';
import { startCaptureSink } from '../support/capture-sink.ts';
import { runChild } from '../support/child.ts';
import { startJournal } from '../support/journal.ts';
import { launcher, startSluice } from '../support/process.ts';
import { SmtpDialogue } from '../support/smtp-dialogue.ts';
import { waitFor } from '../support/wait-for.ts';
import { relayTo, withListeners } from './support/relay-to.ts';

/* What the statistics say is what was sent, whatever happens meanwhile. */

const figures = z.object({
  accepted: z.number().nullable(),
  sent: z.number(),
  failed: z.number(),
  by_status: z.object({ deferred: z.number() }),
  latency: z.object({
    delivery: z.object({ count: z.number(), p50: z.number(), p99: z.number() }).nullable(),
    transaction: z.object({ count: z.number() }).nullable(),
  }),
});
const answer = z.object({
  totals: figures,
  groups: z.array(z.object({ key: z.string().nullable(), count: z.number(), figures: figures.nullable() })),
});
const conservation = z.object({
  accepted: z.number(),
  balanced: z.boolean(),
  states: z.record(z.string(), z.number()),
});

/** A span that no midnight can end while a test runs. */
const day = 86_400_000;
const span = `from=${new Date(Date.now() - day).toISOString()}&until=${new Date(Date.now() + day).toISOString()}`;

const statsOf = async (account: Account, query = '') =>
  answer.parse((await account.call('GET', `/api/stats?${span}${query}`)).body);
const sumOf = async (account: Account) =>
  conservation.parse((await account.call('GET', '/api/system/conservation')).body);

/** Without TLS, and what is put off stays so for the length of the test. */
const configure = (port: number) => (config: ConfigInput) => ({
  ...withListeners(relayTo(port, config), { auth_without_tls: true }),
  worker: { retry: { first: '1h', most: '2h' }, ambiguous_delay: '1s' },
});

test('figures by time, status, domain and upstream are those of the sessions and of the sink', async () => {
  await using sink = await startCaptureSink({
    script: ({ phase, line }) => {
      if (phase !== 'rcpt') return undefined;
      if (line.includes('<nobody@')) return { reply: '550 5.1.1 no such user' };
      return line.includes('<busy@') ? { reply: '450 4.2.1 try later' } : undefined;
    },
  });
  await using relay = await startSluice({ configure: configure(sink.port) });
  const account = await registerFirst(relay.api);
  const credential = await createCredential(account);
  await using client = await SmtpDialogue.open(relay.ports.smtp);
  await client.expect(250, 'EHLO client.test');
  expect((await client.login(credential.username, credential.password)).code).toBe(235);
  const sent = [
    ['a@one.example', 'b@one.example', 'c@two.example'],
    ['nobody@one.example'],
    ['busy@three.example', 'd@two.example'],
  ];
  for (const recipients of sent) {
    const text = `From: me@example.com\r\nTo: ${recipients.join(', ')}\r\n\r\nhello\r\n`;
    expect((await client.send('me@example.com', recipients, text)).code).toBe(250);
  }

  const { totals } = await waitFor('every recipient to be tried', async () => {
    const stats = await statsOf(account);
    const { sent: out, failed, by_status } = stats.totals;
    return out + failed + by_status.deferred === 6 ? stats : undefined;
  });
  expect(totals).toMatchObject({ accepted: 6, sent: 4, failed: 1, by_status: { deferred: 1 } });
  expect(totals.latency.delivery?.count).toBe(4);
  expect(totals.latency.delivery?.p50).toBeLessThanOrEqual(totals.latency.delivery?.p99 ?? 0);
  expect(totals.latency.transaction?.count).toBe(3);
  const taken = sink.mails.flatMap(({ recipients }) => recipients).filter((one) => one.endsWith('.example'));
  expect(taken).toHaveLength(totals.sent);

  const byDomain = await statsOf(account, '&group_by=domain');
  const counts = byDomain.groups.map(({ key, count, figures: of }) => [key, count, of?.sent, of?.failed]);
  expect(counts.sort()).toEqual([
    ['one.example', 3, 2, 1],
    ['three.example', 1, 0, 0],
    ['two.example', 2, 2, 0],
  ]);
  const byUpstream = await statsOf(account, '&group_by=upstream');
  expect(byUpstream.groups).toMatchObject([{ key: 'default', count: 6, figures: { sent: 4, failed: 1 } }]);
  expect((await statsOf(account, '&group_by=status')).groups.map(({ key, count }) => [key, count]).sort()).toEqual([
    ['bounced', 1],
    ['deferred', 1],
    ['delivered', 4],
  ]);

  const run = (words: string) =>
    runChild(process.execPath, [launcher, ...words.split(' '), '--config', relay.configFile]);
  const told = await run(`stats --by domain --credential ${credential.username} --json`);
  expect(
    answer
      .parse(JSON.parse(told.stdout))
      .groups.map(({ key }) => key)
      .sort(),
  ).toEqual(counts.map(([key]) => key));
  const shown = await run('stats');
  expect(shown.stdout).toMatch(/^Day \(UTC\) +Accepted +Sent +Failed/);
  expect(shown.stdout).toMatch(/Acceptance to delivery +median \d/);
});

test('kill -9 under load: what is counted is what is stored, to the last recipient', async () => {
  await using sink = await startCaptureSink({ keepRaw: false });
  await using relay = await startSluice({ configure: configure(sink.port) });
  const account = await registerFirst(relay.api);
  const { username, password } = await createCredential(account, { daily_quota: null, hourly_quota: null });
  const load = { port: relay.ports.smtp, username, password, rate: 150, sizes: [1_024, 4_096, 50_000] };
  const journal = startJournal(load, relay.folder);
  await using _ = journal;
  let accepted = 0;
  for (let kill = 0; kill < 3; kill += 1) {
    accepted = (await journal.entries()).filter(({ event }) => event === 'accepted').length;
    await journal.reaches(accepted + 50, ({ event }) => event === 'accepted');
    await relay.kill();
    await relay.start();
  }
  const promised = (await journal.finish()).filter(({ event }) => event === 'accepted').length;
  const sum = await waitFor(
    'the queue to be empty',
    async () => {
      const now = await sumOf(account);
      return (now.states.queued ?? 0) + (now.states.deferred ?? 0) === 0 ? now : undefined;
    },
    { timeout: 60_000 },
  );
  expect(sum.balanced).toBe(true);
  expect(sum.accepted).toBeGreaterThanOrEqual(promised);

  const { totals } = await statsOf(account);
  expect(totals).toMatchObject({ accepted: sum.accepted, sent: sum.states.delivered, failed: 0 });
  expect(totals.latency.delivery?.count).toBe(totals.sent);
  const byDomain = await statsOf(account, '&group_by=domain&top=50');
  expect(byDomain.groups.reduce((all, { count }) => all + count, 0)).toBe(sum.accepted);
  const byUpstream = await statsOf(account, '&group_by=upstream');
  expect(byUpstream.groups.map(({ key, figures: of }) => [key, of?.sent])).toEqual([['default', totals.sent]]);
}, 120_000);
