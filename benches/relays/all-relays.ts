import { bareServer } from './bare.ts';
import { haraka, harakaWithPlugins } from './haraka.ts';
import { postfixAsShipped, postfixWithoutDelay } from './postfix.ts';
import type { Relay, SluiceRelay } from './relay.ts';
import { sluice, sluiceWithBridge } from './sluice.ts';
import { sluiceCluster } from './sluice-cluster.ts';

const others: readonly Relay[] = [postfixAsShipped, postfixWithoutDelay, haraka, bareServer];

/** Those compared, in the order of the tables, Sluice first. */
export const relaysOf = (mode: 'embedded' | 'cluster'): [SluiceRelay, ...Relay[]] => [
  mode === 'embedded' ? sluice : sluiceCluster,
  ...others,
  ...(mode === 'embedded' ? [sluiceWithBridge, harakaWithPlugins] : []),
];

/**
 * Slower relays get fewer messages, and so do all where each needs a connection, so that every run lasts about as long;
 * rates do not depend on it.
 */
export const shareOfMessages = (relay: Relay, keepAlive: boolean): number => relay.share * (keepAlive ? 1 : 0.4);
