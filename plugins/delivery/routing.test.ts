import { expect, test } from 'vitest';
import { mail, recipient } from '../../tests/contract/mail.ts';
import { deliveryConfigSchema } from './config.ts';
import { routeFor } from './routing.ts';
import { upstreamSettings } from './upstream-settings.ts';

const upstreams = upstreamSettings(
  deliveryConfigSchema.parse({
    upstreams: [
      { name: 'first', host: 'a.example' },
      { name: 'second', host: 'b.example' },
      { name: 'inside', host: 'c.example', recipient_domains: ['Büro.example', '.corp.example'] },
      { name: 'news', host: 'd.example', sender_domains: ['news.example'] },
    ],
  }),
);

const route = (to: string, from = 'a@example.org') => {
  const { facts } = mail({ facts: { sender: from } });
  const record = { ...facts, recipients: [recipient(to)], nextAt: null, requested: null };
  return routeFor(upstreams, record, 0);
};

test.each([
  ['to@example.com', undefined, ['first', 'second']],
  ['to@xn--bro-hoa.example', undefined, ['inside']],
  ['to@mail.corp.example', undefined, ['inside']],
  ['to@corp.example', undefined, ['first', 'second']],
  ['to@evilcorp.example', undefined, ['first', 'second']],
  ['to@example.com', 'x@News.example', ['news']],
  ['to@a.corp.example', 'x@news.example', ['inside', 'news']],
  ['to@example.com', '', ['first', 'second']],
])('mail to %s from %s goes by %j', (to, from, names) => {
  expect(route(to, from)).toEqual(names);
});
