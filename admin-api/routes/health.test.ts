import { expect, test } from 'vitest';
import type { UpstreamHealth } from '../../core/observability/health.ts';
import { startTestApi } from '../testing/start-test-api.ts';

const upstreams: UpstreamHealth[] = [
  { name: 'default', state: 'down', target: 'mx.example.com:25', since: 1_000, lastError: '421 4.3.2 go away' },
];

test('health tells strangers how things stand, and only administrators where they stand', async () => {
  await using api = await startTestApi({ upstreams });
  const { token } = await api.administrator();
  const anna = await api.user('anna');
  const seen = { status: 'degraded', store: 'up', upstreams: [{ name: 'default', state: 'down' }] };
  for (const call of [{}, { token: anna.token }]) {
    const answer = await api.wire('GET', '/health', call);
    expect([answer.status, answer.body]).toEqual([200, seen]);
  }
  const detailed = await api.wire('GET', '/health', { token });
  expect(detailed.body).toMatchObject({
    upstreams: [{ details: { target: 'mx.example.com:25', last_error: '421 4.3.2 go away' } }],
    details: { version: '0.0.0-test', queue: { messages: 0 } },
  });
  expect((await api.wire('GET', '/health', { token: 'a.b.c' })).status).toBe(401);
});

test('a store that is gone makes health 503, and every other route an honest 503 that leaks nothing', async () => {
  await using api = await startTestApi();
  const { token } = await api.administrator();
  await api.closeStore();
  const health = await api.wire('GET', '/health');
  expect([health.status, health.body]).toEqual([503, { status: 'down', store: 'down', upstreams: [] }]);
  expect((await api.wire('GET', '/health/ready')).status).toBe(503);
  expect((await api.wire('GET', '/health/live')).status).toBe(200);
  const list = await api.wire('GET', '/api/mail-logs', { token });
  expect(list.status).toBe(503);
  expect(list.text).not.toMatch(/sqlite|thread|node:|\/|sluice\.db/i);
});
