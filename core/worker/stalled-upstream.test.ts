import { expect, test } from 'vitest';
import { z } from 'zod';
import { recipient } from '../../tests/contract/mail.ts';
import { startRelayLab } from '../../tests/support/relay-lab.ts';
import { waitFor } from '../../tests/support/wait-for.ts';
import { accept, contractVersion, definePlugin, type Plugin, reply } from '../pipeline/plugin.ts';

const sent = { do: 'delivered', reply: reply(250, '2.0.0', 'taken') } as const;

/** Routes by the recipient's domain; what goes to `stalled` is answered only once it is let go. */
function twoUpstreams() {
  const release = Promise.withResolvers<void>();
  let stalled = 0;
  const plugin = definePlugin({
    name: 'test-hooks',
    version: '1.0.0',
    contract: contractVersion,
    summary: 'Two upstreams, of which one stalls',
    roles: ['worker'],
    config: z.strictObject({}),
    needs: {},
    init: () => ({
      hooks: {
        route: ({ record, recipient: index }) => accept({ upstreams: [record.recipients[index]?.domain ?? ''] }),
        deliver: {
          handler: async ({ job }) => {
            if (job.route.upstreams[0] === 'stalled.test') {
              stalled += 1;
              await release.promise;
            }
            return accept({ outcomes: job.recipients.map(() => sent), attempts: [], phase: 'done' as const });
          },
          timeoutMilliseconds: 60_000,
        },
      },
    }),
  }) as unknown as Plugin;
  return { plugin, stalled: () => stalled, release: () => release.resolve() };
}
const to = (domain: string) => ({ recipients: [recipient(`someone@${domain}`)] });

test('an upstream that stalls does not hold up the mail of another, however much of its own waits', async () => {
  const upstreams = twoUpstreams();
  await using lab = await startRelayLab({
    plugins: [upstreams.plugin],
    worker: { concurrency: 4, ahead: 8 },
    patience: 50,
  });
  const held = await Promise.all(Array.from({ length: 40 }, () => lab.submit(to('stalled.test'))));
  await waitFor('every place to be taken', () => upstreams.stalled() === 4);
  for (let n = 0; n < 3; n++) {
    const other = await lab.submit(to('flowing.test'));
    await lab.until(other, ({ state }) => state === 'delivered');
  }
  expect(upstreams.stalled()).toBe(4);

  // What was sent back burnt no attempt, and goes on by itself.
  const back = await waitFor('mail that was sent back', async () => {
    const records = await Promise.all(held.map((id) => lab.record(id)));
    return records.find(({ recipients: [one] }) => one?.state === 'deferred');
  });
  expect(back.recipients[0]).toMatchObject({ attempts: 0, lastReply: expect.stringContaining('451 4.4.5') });
  upstreams.release();
  for (const id of held) await lab.retried(id);
  const states = await Promise.all(held.map(async (id) => (await lab.record(id)).recipients[0]?.state));
  expect(new Set(states)).toEqual(new Set(['delivered']));
});

test('a change of the plugins reaches mail that waits for its turn', async () => {
  const upstreams = twoUpstreams();
  await using lab = await startRelayLab({
    plugins: [upstreams.plugin],
    worker: { concurrency: 1, ahead: 4 },
    patience: 60_000,
  });
  const first = await lab.submit(to('stalled.test'));
  await waitFor('the place to be taken', () => upstreams.stalled() === 1);
  const second = await lab.submit(to('stalled.test'));
  await waitFor('the other to wait', () => lab.worker.state().ready === 1);
  // Without the plugin that stalls, everything goes into the capture box.
  await lab.pipelines.swap([
    {
      use: 'delivery',
      enabled: true,
      timeout: 10_000,
      before: [],
      after: [],
      priority: 0,
      may_grant: false,
      config: { upstreams: [] },
    },
  ]);
  upstreams.release();
  await lab.until(first, ({ state }) => state === 'delivered');
  await lab.until(second, ({ state }) => state === 'captured');
  expect(upstreams.stalled()).toBe(1);
});
