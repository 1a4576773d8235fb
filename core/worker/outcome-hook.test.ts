import { expect, test } from 'vitest';
import { z } from 'zod';
import { recipient } from '../../tests/contract/mail.ts';
import { startCaptureSink } from '../../tests/support/capture-sink.ts';
import { startRelayLab } from '../../tests/support/relay-lab.ts';
import { waitFor } from '../../tests/support/wait-for.ts';
import type { RecipientRecord } from '../domain/message.ts';
import type { HookHandlers, Plugin } from '../pipeline/plugin.ts';
import { accept, contractVersion, definePlugin, reply } from '../pipeline/plugin.ts';

const tried = ({ lastReply }: RecipientRecord) => lastReply !== null;

const plugin = (hooks: HookHandlers): Plugin =>
  definePlugin({
    name: 'test-hooks',
    version: '1.0.0',
    contract: contractVersion,
    summary: 'Hooks of a test',
    roles: ['worker'],
    config: z.strictObject({}),
    needs: {},
    init: () => ({ hooks }),
  }) as unknown as Plugin;

const addresses = ['never@example.com', 'later@example.com', 'now@example.com'];

/** A server that refuses one for good and one for now. */
const startPicky = () =>
  startCaptureSink({
    script: ({ phase, line }) => {
      if (phase !== 'rcpt') return undefined;
      if (line.includes('<never')) return { reply: '550 5.1.1 nobody' };
      return line.includes('<later') ? { reply: '450 4.2.0 greylisted' } : undefined;
    },
  });

async function delivered(hooks: HookHandlers) {
  const sink = await startPicky();
  await using lab = await startRelayLab({
    plugins: [plugin(hooks)],
    upstreams: [{ name: 'default', host: '127.0.0.1', port: sink.port }],
  });
  const id = await lab.submit({ recipients: addresses.map((address) => recipient(address)) });
  const { recipients } = await lab.until(id, tried);
  const settledAt = Date.now();
  // Reports are written in the commit that settles what they tell of.
  const reports = (await lab.reports()).length;
  await sink.stop();
  return { recipients, reports, settledAt };
}

test('a plugin drops, delays and keeps silent about what was no success; what was one stays so', async () => {
  const asked: unknown[] = [];
  const { recipients, reports, settledAt } = await delivered({
    outcome: async ({ delivery, recipients: after }) => {
      asked.push(after.map(({ state }) => state));
      return accept(
        delivery.outcomes.map((outcome) => {
          if (outcome.do === 'bounced') return { ...outcome, report: false } as const;
          if (outcome.do === 'deferred') return { ...outcome, delay: 7_200_000 };
          return { do: 'discarded', reply: reply(250, null, 'not heeded') } as const;
        }),
      );
    },
  });
  expect(asked).toEqual([['bounced', 'deferred', 'delivered']]);
  expect(recipients.map(({ state }) => state)).toEqual(['bounced', 'deferred', 'delivered']);
  expect(Math.abs((recipients[1]?.nextAt ?? 0) - settledAt - 7_200_000)).toBeLessThan(60_000);
  expect(reports).toBe(0);
});

test('it may drop a recipient in place of a later try', async () => {
  const { recipients, reports } = await delivered({
    outcome: ({ delivery }) =>
      accept(
        delivery.outcomes.map((outcome) =>
          outcome.do === 'deferred' ? { do: 'discarded', reply: reply(250, '2.0.0', 'dropped') } : outcome,
        ),
      ),
  });
  expect(recipients.map(({ state }) => state)).toEqual(['bounced', 'discarded', 'delivered']);
  expect(reports).toBe(1);
});

test.each<[string, HookHandlers]>([
  [
    'throws',
    {
      outcome: () => {
        throw new Error('broken');
      },
    },
  ],
  ['is late', { outcome: { handler: () => new Promise(() => {}), timeoutMilliseconds: 30 } }],
  ['answers for fewer recipients than were asked of', { outcome: () => accept([]) }],
])('everything stays as the delivery says where it %s', async (_, hooks) => {
  const { recipients, reports } = await delivered(hooks);
  expect(recipients.map(({ state }) => state)).toEqual(['bounced', 'deferred', 'delivered']);
  expect(reports).toBe(1);
});

test('it is not asked where all went well', async () => {
  let asked = 0;
  const counting = plugin({
    outcome: () => {
      asked += 1;
    },
  });
  await using lab = await startRelayLab({ plugins: [counting] });
  await lab.until(await lab.submit(), tried);
  expect(asked).toBe(0);
});

test('route may put a recipient off until a moment of its own, without an attempt', async () => {
  const until = Date.now() + 3_600_000;
  const busy = plugin({
    route: ({ record, recipient: index }) =>
      record.recipients[index]?.address.startsWith('later')
        ? accept({
            outcome: { do: 'postponed', reply: reply(450, '4.7.0', 'too many at once'), until, firm: true } as const,
          })
        : undefined,
  });
  await using lab = await startRelayLab({ plugins: [busy] });
  const id = await lab.submit({ recipients: addresses.map((address) => recipient(address)) });
  await waitFor('all of it', async () => (await lab.record(id)).recipients.every(tried));
  expect((await lab.record(id)).recipients[1]).toMatchObject({ state: 'deferred', attempts: 0, nextAt: until });
  expect((await lab.record(id)).recipients[2]).toMatchObject({ state: 'captured' });
});
