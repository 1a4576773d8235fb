import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';

/** Gateways of default routes in the format of Linux's `/proc/net/route`: hexadecimal, least significant octet first. */
export function gatewaysIn(routes: string): string[] {
  const gateways: string[] = [];
  for (const line of routes.split('\n').slice(1)) {
    const [, destination, gateway] = line.split(/\s+/);
    if (destination !== '00000000' || gateway === undefined || !/^[0-9A-F]{8}$/i.test(gateway)) continue;
    const address = [...Buffer.from(gateway, 'hex')].reverse().join('.');
    if (address !== '0.0.0.0') gateways.push(address);
  }
  return gateways;
}

/**
 * Networks from which this machine itself is reached: loopback, its own addresses, and its gateway, behind which
 * every client of a container with published ports may stand.
 */
export function ownNetworks(): string[] {
  const own = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
  let gateways: string[] = [];
  try {
    gateways = gatewaysIn(readFileSync('/proc/net/route', 'utf8'));
  } catch {
    // Only Linux has this table; elsewhere containers run in a Linux of their own.
  }
  return ['127.0.0.0/8', '::1/128', ...own, ...gateways];
}
