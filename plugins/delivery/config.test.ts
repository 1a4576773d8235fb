import { expect, test } from 'vitest';
import { deliveryConfigSchema } from './config.ts';
import { upstreamSettings } from './upstream-settings.ts';

const settings = (upstream: Record<string, unknown>) =>
  upstreamSettings(deliveryConfigSchema.parse({ upstreams: [{ name: 'default', ...upstream }] }))[0];

test('without upstreams mail is captured', () => {
  expect(upstreamSettings(deliveryConfigSchema.parse({}))).toMatchObject([{ name: 'default', type: 'capture' }]);
  expect(settings({})).toMatchObject({ type: 'capture' });
  expect(settings({ type: 'capture', host: 'mx.example' })).toMatchObject({ type: 'capture' });
});

test.each([
  [{}, { port: 25, tls: 'none', login: null }],
  [{ port: 465 }, { port: 465, tls: 'tls' }],
  [{ tls: 'tls' }, { port: 465, tls: 'tls' }],
  [
    { username: 'u', password: 'p' },
    { port: 587, tls: 'starttls', login: { username: 'u', password: 'p' } },
  ],
  [
    { username: 'u', password: 'p', port: 465 },
    { port: 465, tls: 'tls' },
  ],
  [
    { username: 'u', password: 'p', port: 2525, tls: 'none' },
    { port: 2525, tls: 'none' },
  ],
])('with a host and %j the defaults fit', (upstream, expected) => {
  expect(settings({ host: 'mx.example', ...upstream })).toMatchObject({
    type: 'smtp',
    host: 'mx.example',
    ...expected,
  });
});

test.each([
  [[{ name: 'a', type: 'smtp' }], 'upstreams.0.host'],
  [[{ name: 'a', host: 'x', password: 'p' }], 'upstreams.0.username'],
  [[{ name: 'a', host: 'x', username: 'u' }], 'upstreams.0.password'],
  [[{ name: 'a' }, { name: 'a' }], 'upstreams.1.name'],
  [[{ name: 'a', recipient_domains: ['not a domain'] }], 'upstreams.0.recipient_domains.0'],
  [[{ name: 'a', hosts: 'x' }], 'upstreams.0'],
])('%j is refused at %s', (upstreams, path) => {
  const parsed = deliveryConfigSchema.safeParse({ upstreams });
  expect(parsed.error?.issues.map((issue) => issue.path.join('.'))).toContain(path);
});
