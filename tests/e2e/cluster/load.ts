import { expect } from 'vitest';
import type { ConfigInput } from '../../../core/config/schema.ts';
import type { Account } from '../../support/api-client.ts';
import type { CaptureSink } from '../../support/capture-sink.ts';
import type { Cluster } from '../../support/cluster.ts';
import { isAccepted } from '../../support/cluster-journals.ts';
import type { Journal } from '../../support/journal.ts';
import { compareMail } from '../../support/mail-comparison.ts';
import { conservationOf, waitingMail } from '../../support/queue-state.ts';
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

/** Ends the load, waits until the queue is empty, and holds what came against what was promised. Answers what came twice. */
export async function judge(
  journals: readonly Journal[],
  { account, sink, cluster }: { account: Account; sink: CaptureSink; cluster: Cluster },
): Promise<string[]> {
  const ended = await Promise.all(journals.map((journal) => journal.finish()));
  let shown = '';
  const isEmpty = async () => {
    const waiting = await waitingMail(account);
    ({ shown } = waiting);
    return waiting.messages === 0;
  };
  const detail = () => `${shown}\n${cluster.output().slice(-8_000)}`;
  await waitFor('the queue to be empty', isEmpty, { timeout: 280_000, interval: 250, detail });
  const { lost, changed, doubled } = compareMail(ended.flat().filter(isAccepted), sink.mails);
  expect(lost).toEqual([]);
  expect(changed).toEqual([]);
  const isBalanced = async () => (await conservationOf(account)).balanced;
  await waitFor('the sum to balance', isBalanced, { timeout: 30_000, interval: 250 });
  return [...doubled.keys()];
}
