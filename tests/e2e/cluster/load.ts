import { join } from 'node:path';
import { expect } from 'vitest';
import { z } from 'zod';
import type { ConfigInput } from '../../../core/config/schema.ts';
import type { Account, SmtpCredential } from '../../support/api-client.ts';
import type { CaptureSink } from '../../support/capture-sink.ts';
import type { Cluster } from '../../support/cluster.ts';
import { type Journal, startJournal } from '../../support/journal.ts';
import type { JournalEntry } from '../../support/journal-entry.ts';
import { waitFor } from '../../support/wait-for.ts';

/** Messages being sent at once by a worker, and claimed ahead: so many a kill may double. */
export const concurrency = 10;
export const ahead = 5;
export const leaseMilliseconds = 6_000;

/** Short intervals; logins in clear, since the load client would spend its time on TLS. */
export const underLoad =
  (sinkPort: number, worker: ConfigInput['worker'] = {}) =>
  (config: ConfigInput): ConfigInput => ({
    ...config,
    log: { level: 'info' },
    smtp: {
      ...config.smtp,
      listeners: (config.smtp?.listeners ?? []).map((listener) => ({ ...listener, auth_without_tls: true })),
    },
    worker: {
      concurrency,
      ahead,
      sweep: '500ms',
      ambiguous_delay: '1s',
      retry: { first: '500ms', factor: 1, most: '1s' },
      ...worker,
    },
    cluster: { poll: '1s' },
    plugins: config.plugins.map((plugin) =>
      plugin.use === 'delivery'
        ? { ...plugin, config: { upstreams: [{ name: 'default', host: '127.0.0.1', port: sinkPort, tls: 'none' }] } }
        : plugin,
    ),
  });

/** A journal for each SMTP process, as they promise mail at the same time. */
export const startJournals = (
  cluster: Cluster,
  { username, password }: SmtpCredential,
  settings: { readonly rate: number; readonly sizes?: readonly number[] },
): Journal[] =>
  cluster.smtp.map(({ port }, n) =>
    startJournal(
      { port: port ?? 0, username, password, ...settings, file: join(cluster.folder, `journal-${n}.jsonl`) },
      cluster.folder,
    ),
  );

export const isAccepted = ({ event }: JournalEntry): boolean => event === 'accepted';

/** So many of each journal are accepted from now on. */
export async function moreAccepted(journals: readonly Journal[], count: number, timeout = 60_000): Promise<void> {
  await Promise.all(
    journals.map(async (journal) => {
      const before = (await journal.entries()).filter(isAccepted).length;
      await journal.reaches(before + count, isAccepted, timeout);
    }),
  );
}

const queue = z.object({ state: z.object({ messages: z.number() }) });
const conservation = z.object({ balanced: z.boolean() });

/** Ends the load, waits until the queue is empty, and holds what came against what was promised. Answers what came twice. */
export async function judge(
  journals: readonly Journal[],
  { account, sink, cluster }: { account: Account; sink: CaptureSink; cluster: Cluster },
): Promise<string[]> {
  const ended = await Promise.all(journals.map((journal) => journal.finish()));
  const promised = ended.flat().filter((entry) => entry.event === 'accepted');
  let waiting: unknown;
  await waitFor(
    'the queue to be empty',
    async () => {
      waiting = (await account.call('GET', '/api/queue?limit=3')).body;
      return queue.parse(waiting).state.messages === 0;
    },
    { timeout: 200_000, interval: 250, detail: () => `${JSON.stringify(waiting)}\n${cluster.output().slice(-8_000)}` },
  );
  const copies = Map.groupBy(sink.mails, ({ messageId }) => messageId);
  expect(promised.filter(({ messageId }) => !copies.has(messageId))).toEqual([]);
  const changed = promised.filter(({ messageId, bodyHash }) =>
    (copies.get(messageId) ?? []).some((copy) => copy.bodyHash !== bodyHash),
  );
  expect(changed).toEqual([]);
  const balanced = async () =>
    conservation.parse((await account.call('GET', '/api/system/conservation')).body).balanced;
  await waitFor('the sum to balance', balanced, { timeout: 30_000, interval: 250 });
  return [...copies].filter(([, mails]) => mails.length > 1).map(([messageId]) => messageId);
}
