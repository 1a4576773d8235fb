import { bareServer } from './bare.ts';
import { haraka } from './haraka.ts';
import { postfixAsShipped, postfixWithoutDelay } from './postfix.ts';
import type { Relay } from './relay.ts';
import { sluice } from './sluice.ts';

/** Those compared, in the order of the tables. */
export const allRelays: readonly Relay[] = [sluice, postfixAsShipped, postfixWithoutDelay, haraka, bareServer];

/**
 * Slower relays get fewer messages, and so do all where each needs a connection, so that every run lasts about as long;
 * rates do not depend on it.
 */
export const shareOfMessages = (relay: Relay, keepAlive: boolean): number =>
  (relay === sluice || relay === bareServer ? 1 : 0.25) * (keepAlive ? 1 : 0.4);
