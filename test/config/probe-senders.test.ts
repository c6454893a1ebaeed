// In which VLANs somebody can be asked, and with whose address.

import { describe, expect, test } from 'vitest';
import type { Ipv4 } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import { namedVlans, probeSenders, senderIn } from '../../src/config/probe-senders.ts';
import { simConfig } from '../rigs/sim/stage.ts';

const OWN_MAC = '02:99:00:00:00:fe' as Mac;
const GATEWAY_MAC = '00:00:5e:00:01:01' as Mac;
const own = new Map([
  [0, { mac: OWN_MAC, ipv4: '192.0.2.1' as Ipv4 }],
  [30, { mac: OWN_MAC, ipv4: '198.51.100.1' as Ipv4 }],
]);

describe('whose address a probe bears', () => {
  const sources = {
    30: { ip: '198.51.100.9' },
    40: { ip: '203.0.113.1', mac: GATEWAY_MAC },
    50: { ip: '192.0.2.1' },
  };
  const senders = probeSenders(simConfig({ handshake: { sources } }), own);

  test('our own there, and the configuration over it', () => {
    expect(senderIn(senders, 30, 1)).toEqual({ mac: OWN_MAC, ipv4: '198.51.100.9' });
  });

  test('a foreign one needs its own MAC', () => {
    expect(senderIn(senders, 40, 1)).toEqual({ mac: GATEWAY_MAC, ipv4: '203.0.113.1' });
    expect(senderIn(senders, 50, 1)).toBeUndefined();
  });

  test("the bridge's own in its VLAN of untagged frames, and in no other", () => {
    expect(senderIn(senders, 1, 1)).toEqual(own.get(0));
    expect(senderIn(senders, 2, 1)).toBeUndefined();
    expect(senderIn(senders, 1, undefined)).toBeUndefined();
  });
});

test('VLANs that clients may be put into, with every key that says so', () => {
  const ports = { 'p*': { guest_vlan: 'lobby', voice_vlan: 40 } };
  expect(namedVlans(simConfig({ vlans: { staff: 30, lobby: 90 }, ports }))).toEqual([
    { vlan: 30, paths: ['vlans.staff'] },
    { vlan: 90, paths: ['vlans.lobby', 'ports.p*.guest_vlan'] },
    { vlan: 40, paths: ['ports.p*.voice_vlan'] },
  ]);
});
