// The kernel's route tables as text: see proc(5).

import { expect, it } from 'vitest';
import { gatewaysOf4, gatewaysOf6 } from '../../src/io/dataplane/gateways.ts';

it('routers of IPv4; not what is on the link, nor the head of the table', () => {
  const table = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
br0\t00000000\tFE00630A\t0003\t0\t0\t0\t00000000\t0\t0\t0
br0\t0000630A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
`;
  expect(gatewaysOf4(table)).toEqual(['10.99.0.254']);
  expect(gatewaysOf4('')).toEqual([]);
});

it('routers of IPv6', () => {
  const none = '0'.repeat(32);
  const table = `fd000099${'0'.repeat(24)} 40 ${none} 00 ${none} 00000100 00000001 00000000 00000001     br0
${none} 00 ${none} 00 fe80${'0'.repeat(26)}fe 00000400 00000003 00000000 00000003     br0
`;
  expect(gatewaysOf6(table)).toEqual(['fe80::fe']);
});
