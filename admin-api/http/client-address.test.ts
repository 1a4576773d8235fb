import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { NetworkSet } from '../../core/domain/ip-network.ts';
import { clientAddress, isForwarded, namesLoopback } from './client-address.ts';

const from = (peer: string, headers: Record<string, string>): IncomingMessage => {
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: peer });
  return Object.assign(new IncomingMessage(socket), { headers });
};

describe('the address of the client', () => {
  const proxies = new NetworkSet(['10.0.0.0/8']);
  test.each([
    ['an untrusted peer cannot name another', '192.0.2.1', '198.51.100.7', '192.0.2.1'],
    ['a trusted proxy names the client', '10.0.0.1', '198.51.100.7', '198.51.100.7'],
    ['what the client wrote itself stands further left', '10.0.0.1', '127.0.0.1, 198.51.100.7', '198.51.100.7'],
    ['two proxies in a row', '10.0.0.1', '198.51.100.7, 10.0.0.2', '198.51.100.7'],
    ['nonsense counts as the proxy itself', '10.0.0.1', 'unknown', '10.0.0.1'],
    ['only proxies', '10.0.0.1', '10.0.0.3', '10.0.0.3'],
    ['mapped addresses are IPv4', '::ffff:10.0.0.1', '::ffff:198.51.100.7', '198.51.100.7'],
  ])('%s', (_, peer, forwarded, expected) => {
    expect(clientAddress(from(peer, { 'x-forwarded-for': forwarded }), proxies)).toBe(expected);
  });
});

test.each(['forwarded', 'via', 'x-real-ip', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'])(
  '%s tells of a proxy',
  (name) => {
    expect(isForwarded(from('127.0.0.1', { host: 'localhost' }))).toBe(false);
    expect(isForwarded(from('127.0.0.1', { host: 'localhost', [name]: '' }))).toBe(true);
  },
);

test.each([
  ['localhost', true],
  ['LOCALHOST:8080', true],
  ['sluice.localhost:8080', true],
  ['127.0.0.1:8080', true],
  ['127.8.8.8', true],
  ['[::1]:8080', true],
  ['evil.example', false],
  ['localhost.evil.example', false],
  ['127.0.0.1.evil.example', false],
  ['192.0.2.1', false],
  ['[2001:db8::1]:80', false],
  ['localhost:8080:1', false],
  ['', false],
])('Host %j names loopback: %s', (host, expected) => {
  expect(namesLoopback(host)).toBe(expected);
});
