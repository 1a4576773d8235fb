import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configSchema } from '../../core/config/schema.ts';
import { startTestApi, type TestApi } from '../testing/start-test-api.ts';

const page = 'https://app.example.com';
const corsOf = (headers: Headers) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control') || name === 'vary'));

describe('with an origin allowed', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi({ api: { cors: [page, 'http://localhost:3000'] } });
  });
  afterAll(() => api.close());

  const preflight = (origin: string, path = '/api/smtp-credentials') =>
    fetch(`${api.url}${path}`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,idempotency-key',
      },
    });

  test('a preflight of its pages is answered, without a login and without a word on credentials', async () => {
    const answer = await preflight(page);
    expect([answer.status, await answer.text()]).toEqual([204, '']);
    expect(corsOf(answer.headers)).toEqual({
      'access-control-allow-origin': page,
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers': expect.stringMatching(/Authorization.*Content-Type.*Idempotency-Key.*If-Match/),
      'access-control-max-age': '600',
      vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    });
  });

  test('its pages may read every answer, refusals too', async () => {
    const headers = { origin: page };
    for (const [path, status] of [
      ['/health/live', 200],
      ['/api/auth/me', 401],
      ['/api/nothing', 404],
    ] as const) {
      const answer = await fetch(`${api.url}${path}`, { headers });
      expect(answer.status).toBe(status);
      expect(corsOf(answer.headers)).toEqual({
        'access-control-allow-origin': page,
        'access-control-expose-headers': expect.stringMatching(/ETag.*RateLimit.*Retry-After.*X-Request-Id/),
        vary: 'Origin',
      });
    }
  });

  test.each([
    'https://evil.example',
    `${page}.evil.example`,
    'http://app.example.com',
    `${page}:8443`,
    `${page}/`,
    page.toUpperCase(),
    'null',
    '*',
  ])('pages of %s may not, and caches are told that it differs', async (origin) => {
    const asked = await preflight(origin);
    expect(asked.status).toBe(405);
    expect(corsOf(asked.headers)).toEqual({ vary: 'Origin' });
    const answer = await fetch(`${api.url}/health/live`, { headers: { origin } });
    expect(corsOf(answer.headers)).toEqual({ vary: 'Origin' });
  });

  test('OPTIONS that is no preflight is a method that nobody takes', async () => {
    const answer = await fetch(`${api.url}/api/users`, { method: 'OPTIONS', headers: { origin: page } });
    expect(answer.status).toBe(405);
  });
});

test('without one nothing is said of it, whoever asks', async () => {
  await using api = await startTestApi();
  const headers = { origin: page, 'access-control-request-method': 'GET' };
  for (const method of ['OPTIONS', 'GET']) {
    const answer = await fetch(`${api.url}/health/live`, { method, headers });
    expect([answer.status, corsOf(answer.headers)]).toEqual([method === 'GET' ? 200 : 405, {}]);
  }
});

test.each(['*', 'null', 'app.example.com', `${page}/`, `${page}/app`, 'ftp://example.com', 'https://user@example.com'])(
  '%s is no origin to configure',
  (origin) => {
    expect(configSchema.safeParse({ plugins: [], api: { cors: [origin] } }).success).toBe(false);
    expect(configSchema.safeParse({ plugins: [], api: { cors: [page] } }).success).toBe(true);
  },
);
