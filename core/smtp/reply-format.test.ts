import { expect, it } from 'vitest';
import { reply } from '../domain/reply.ts';
import { formatReply } from './reply-format.ts';

it('puts code and enhanced code on each line', () => {
  expect(formatReply(reply(250, '2.1.0', 'OK'))).toBe('250 2.1.0 OK\r\n');
  expect(formatReply(reply(550, '5.7.1', ['No', 'really']))).toBe('550-5.7.1 No\r\n550 5.7.1 really\r\n');
  expect(formatReply(reply(250, null, ['relay.example', 'DSN']))).toBe('250-relay.example\r\n250 DSN\r\n');
  expect(formatReply(reply(334, null, ''))).toBe('334 \r\n');
});

it('lets no control character split or forge a reply', () => {
  expect(formatReply(reply(550, '5.7.1', 'No\r\n250 2.0.0 forged\u0085\0'))).toBe('550 5.7.1 No 250 2.0.0 forged \r\n');
});
