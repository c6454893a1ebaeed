// Where a client is asked that is back and says nothing.

import { expect, it } from 'vitest';
import type { Ip } from '../../src/base/ip.ts';
import { type Mac, macFromNumber } from '../../src/base/mac.ts';
import { AddressMemory, REMEMBERED_MAX } from '../../src/liveness/address-memory.ts';
import type { PortName } from '../../src/model/dataplane.ts';

const PORT = 'p1' as PortName;
const IPV4 = '10.0.0.7' as Ip;
const IPV6 = '2001:db8::7' as Ip;
const client = (n: number): Mac => macFromNumber(0x02_00_00_00_00_00 + n);

it('knows what the last session on the port knew', () => {
  const memory = new AddressMemory();
  memory.keep(client(1), PORT, { ipv4: IPV4, ipv6: IPV6 });
  expect(memory.of(client(1), PORT)).toEqual({ ipv4: IPV4, ipv6: IPV6 });
  memory.keep(client(1), PORT, { ipv6: IPV6 });
  expect(memory.of(client(1), PORT)).toEqual({ ipv6: IPV6 });
  // One that never said anything tells nothing new.
  memory.keep(client(1), PORT, {});
  expect(memory.of(client(1), PORT)).toEqual({ ipv6: IPV6 });
});

it('knows nothing of a client that was elsewhere, or nowhere', () => {
  const memory = new AddressMemory();
  memory.keep(client(1), 'p2' as PortName, { ipv4: IPV4 });
  expect(memory.of(client(1), PORT)).toEqual({});
  expect(memory.of(client(2), PORT)).toEqual({});
});

it('is bounded: whose session ended longest ago is forgotten first', () => {
  const memory = new AddressMemory();
  for (let n = 0; n < REMEMBERED_MAX; n++) memory.keep(client(n), PORT, { ipv4: IPV4 });
  memory.keep(client(0), PORT, { ipv4: IPV4 });
  memory.keep(client(REMEMBERED_MAX), PORT, { ipv4: IPV4 });
  expect([0, 1, 2, REMEMBERED_MAX].map((n) => memory.of(client(n), PORT).ipv4)).toEqual([
    IPV4,
    undefined,
    IPV4,
    IPV4,
  ]);
});
