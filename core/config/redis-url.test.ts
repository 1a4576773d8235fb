import { expect, it } from 'vitest';
import { parseRedisUrl } from './redis-url.ts';

const plain = {
  kind: 'single',
  tls: false,
  ca: null,
  hosts: [{ host: 'a', port: 6379 }],
  login: {},
  sentinelLogin: {},
  master: null,
  database: 0,
  prefix: 'sluice',
};

it.each([
  ['redis://a', plain],
  ['redis://a:1/', { ...plain, hosts: [{ host: 'a', port: 1 }] }],
  ['redis://:p%40ss%2F@a/3', { ...plain, login: { password: 'p@ss/' }, database: 3 }],
  ['redis://u:p:q@a', { ...plain, login: { username: 'u', password: 'p:q' } }],
  [
    'rediss://[::1]:6380?ca=/run/ca.pem&prefix=mail-2',
    {
      ...plain,
      tls: true,
      ca: '/run/ca.pem',
      hosts: [{ host: '::1', port: 6380 }],
      prefix: 'mail-2',
    },
  ],
  [
    'redis+sentinel://:p@a,b:2/mymaster/1?sentinel_password=s',
    {
      ...plain,
      kind: 'sentinel',
      hosts: [
        { host: 'a', port: 26379 },
        { host: 'b', port: 2 },
      ],
      login: { password: 'p' },
      sentinelLogin: { password: 's' },
      master: 'mymaster',
      database: 1,
    },
  ],
  [
    'rediss+cluster://a:7000,b:7001',
    {
      ...plain,
      kind: 'cluster',
      tls: true,
      hosts: [
        { host: 'a', port: 7000 },
        { host: 'b', port: 7001 },
      ],
    },
  ],
])('reads %s', (url, address) => {
  expect(parseRedisUrl(url)).toEqual(address);
});

it.each([
  ['http://a', 'is no URL of Redis'],
  ['redis://', 'is no URL of Redis'],
  ['redis://a:70000', 'names no host and port at place 1'],
  ['redis+cluster://a,:1', 'names no host and port at place 2'],
  ['redis://a,b', 'several hosts'],
  ['redis://a/x', 'a database that is no number'],
  ['redis+cluster://a/1', 'a cluster has only one'],
  ['redis+sentinel://a', 'does not name the master'],
  ['redis://:%zz@a', 'hexadecimal'],
  ['redis://a?tls=1', 'asks for tls'],
  ['redis://a?prefix=a:b', 'a prefix with other signs'],
])('says what is wrong with %s', (url, problem) => {
  expect(parseRedisUrl(url)).toEqual({ problem: expect.stringContaining(problem) });
});

it('shows no password in a complaint', () => {
  const answer = JSON.stringify(parseRedisUrl('redis://user:planted@a,b'));
  expect(answer).toContain('problem');
  expect(answer).not.toContain('planted');
});
