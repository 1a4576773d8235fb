import { expect, it } from 'vitest';
import { gatewaysIn, ownNetworks } from './own-addresses.ts';

it('reads the gateway of the default route', () => {
  const table = [
    'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
    'eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0',
    'eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0',
    'eth1\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0',
    '',
  ].join('\n');
  expect(gatewaysIn(table)).toEqual(['172.17.0.1']);
});

it('always holds loopback', () => {
  expect(ownNetworks()).toEqual(expect.arrayContaining(['127.0.0.0/8', '::1/128']));
});
