import { expect, test } from 'vitest';
import { newWebhookSecret, signedHeaders } from './signature.ts';

test('signs as the specification’s own example is signed', () => {
  // standard-webhooks/standard-webhooks, libraries: the test vector that its implementations share.
  const headers = signedHeaders(
    { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: '{"test": 2432232314}', at: 1_614_265_330_500 },
    ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
  );
  expect(headers).toEqual({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('signs with each secret that is valid', () => {
  const [old, current] = [newWebhookSecret(), newWebhookSecret()];
  const delivery = { id: 'event_1', body: '{}', at: 1_000 };
  const both = signedHeaders(delivery, [current, old])['webhook-signature'];
  const each = [current, old].map((secret) => signedHeaders(delivery, [secret])['webhook-signature']);
  expect(both).toBe(each.join(' '));
  expect(each[0]).not.toBe(each[1]);
});

test('makes secrets of 256 bits that nobody has seen before', () => {
  const secrets = Array.from({ length: 100 }, newWebhookSecret);
  expect(new Set(secrets).size).toBe(100);
  for (const secret of secrets) {
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(Buffer.from(secret.slice(6), 'base64')).toHaveLength(32);
  }
});
