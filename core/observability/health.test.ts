import { expect, test } from 'vitest';
import type { QueueState } from '../storage/ports/mail-log.ts';
import { createHealth } from './health.ts';

const empty: QueueState = { messages: 0, queued: 0, deferred: 0, held: 0, leased: 0, oldest: null };

test('asks the store once, however many ask for health at the same time', async () => {
  let asked = 0;
  const health = createHealth({
    queueState: async () => {
      asked += 1;
      return empty;
    },
    upstreams: () => [],
    startedAt: 5,
  });
  const reports = await Promise.all([health.report(), health.report(), health.report()]);
  expect(asked).toBe(1);
  expect(reports[2]).toEqual({ store: 'up', queue: empty, upstreams: [], startedAt: 5 });
});

test.each([
  ['refuses', () => Promise.reject(new Error('SQLITE_IOERR'))],
  ['never answers', () => new Promise<QueueState>(() => {})],
])('a store that %s is down', async (_, queueState) => {
  const health = createHealth({ queueState, upstreams: () => [], startedAt: 0, deadlineMilliseconds: 5 });
  expect(await health.report()).toMatchObject({ store: 'down', queue: null });
});
