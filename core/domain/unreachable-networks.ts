import { NetworkSet } from './ip-network.ts';

/**
 * Where nothing goes that somebody may choose the address of: networks that lead to this very link, to nobody or to
 * everybody, and the addresses at which clouds answer machines about themselves, credentials included.
 */
export const unreachableNetworks = new NetworkSet([
  '0.0.0.0/8',
  '169.254.0.0/16',
  '192.0.0.192/32',
  '100.100.100.200/32',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/128',
  'fd00:ec2::254/128',
  'fe80::/10',
  'ff00::/8',
]);
