import type { IncomingMessage } from 'node:http';
import { canonicalAddress, NetworkSet } from '../../core/domain/ip-network.ts';

const forwardingHeaders = ['forwarded', 'via', 'x-real-ip'];

/** True if anything says that the request came by way of somebody else. */
export const isForwarded = ({ headers }: IncomingMessage): boolean =>
  Object.keys(headers).some((name) => name.startsWith('x-forwarded-') || forwardingHeaders.includes(name));

/** Address of the TCP peer in its only spelling; null for a socket that is gone or has none. */
export const peerAddress = (request: IncomingMessage): string | null =>
  canonicalAddress(request.socket.remoteAddress ?? '');

/**
 * Address of the client. X-Forwarded-For is read from the right, for as long as the one who wrote the entry is a
 * trusted proxy; what stands further left anybody can have made up.
 */
export function clientAddress(request: IncomingMessage, trustedProxies: NetworkSet): string | null {
  let address = peerAddress(request);
  const header = request.headers['x-forwarded-for'];
  if (header === undefined) return address;
  const hops = (Array.isArray(header) ? header.join(',') : header).split(',').map((hop) => hop.trim());
  while (address !== null && trustedProxies.contains(address)) {
    const before = hops.pop();
    const canonical = before === undefined ? null : canonicalAddress(before);
    if (canonical === null) break;
    address = canonical;
  }
  return address;
}

const loopback = new NetworkSet(['127.0.0.0/8', '::1/128']);

/** True if the Host header is a loopback name or address: a page that rebinds its own name to us has another one. */
export function namesLoopback(host: string | undefined): boolean {
  const name = /^(?:\[([\da-f:.]+)\]|([^:]+))(?::\d+)?$/i.exec(host ?? '');
  if (name === null) return false;
  const text = (name[1] ?? name[2] ?? '').toLowerCase();
  return text === 'localhost' || text.endsWith('.localhost') || loopback.contains(text);
}
