import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../core/domain/clock.ts';
import type { NetworkSet } from '../../core/domain/ip-network.ts';
import { isForwarded, namesLoopback, peerAddress } from '../http/client-address.ts';

const hour = 3_600_000;

/**
 * Who may become the first administrator without a token (docs: decisions, "First administrator"): a direct TCP peer
 * in a set-up network, which calls us by a loopback name, within an hour of the start. A web page that a person here
 * looks at fails by its Host, a stranger behind a proxy by the proxy.
 */
export function setUpPeers(options: {
  readonly networks: NetworkSet;
  readonly trustedProxies: NetworkSet;
  readonly clock: Clock;
}): (request: IncomingMessage) => boolean {
  const { networks, trustedProxies, clock } = options;
  const until = clock.now() + hour;
  return (request) => {
    const peer = peerAddress(request);
    if (peer === null || !networks.contains(peer) || trustedProxies.contains(peer)) return false;
    return !isForwarded(request) && namesLoopback(request.headers.host) && clock.now() < until;
  };
}

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Compares in constant time; false where no token is configured. */
export const isSetUpToken = (configured: string | undefined, shown: string | undefined): boolean =>
  configured !== undefined && shown !== undefined && timingSafeEqual(digest(configured), digest(shown));
