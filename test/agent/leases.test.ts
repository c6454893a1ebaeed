// The DHCP watch in the agent: what is listened to, whose leases count, and what is said.

import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/base/bytes.ts';
import type { Ipv4, Ipv6 } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { type DhcpMessage, encodeDhcp } from '../../src/wire/dhcp.ts';
import { encodeDhcp6 } from '../../src/wire/dhcp6.ts';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, encodeEthernet } from '../../src/wire/ethernet.ts';
import type { ConfigPart } from '../rigs/config-part.ts';
import { SimulatedStage, simFile } from '../rigs/sim/stage.ts';
import type { Setting } from '../scenarios/stage.ts';

const SERVER_MAC = '02:99:00:00:00:fd' as Mac;
const HOURLY: ConfigPart = { roles: { default: { session_s: 3600, handshake: { period_s: 0 } } } };

function ack(client: string, over: Partial<DhcpMessage> = {}): Uint8Array {
  const message: DhcpMessage = {
    source: '10.99.0.254' as Ipv4,
    destination: '255.255.255.255' as Ipv4,
    op: 2,
    transactionId: 7,
    ciaddr: '0.0.0.0' as Ipv4,
    yiaddr: '10.99.0.77' as Ipv4,
    giaddr: '0.0.0.0' as Ipv4,
    chaddr: client as Mac,
    messageType: 5,
    leaseTimeS: 86_400,
    serverId: '10.99.0.254' as Ipv4,
    subnetMask: '255.255.255.0' as Ipv4,
    ...over,
  };
  const frame = { destination: client as Mac, source: SERVER_MAC, etherType: ETHERTYPE_IPV4 };
  return encodeEthernet({ ...frame, payload: encodeDhcp(message) });
}

function reply(client: string, leaseS: number, messageType = 7): Uint8Array {
  const payload = encodeDhcp6({
    source: 'fe80::fd' as Ipv6,
    destination: 'fe80::1' as Ipv6,
    messageType,
    transactionId: 7,
    serverId: '000300010299000000fd',
    leases: [
      { kind: 'address', address: 'fd00:99::77' as Ipv6, validLifetimeS: leaseS },
      { kind: 'prefix', prefix: 'fd00:100::' as Ipv6, length: 56, validLifetimeS: leaseS },
    ],
  });
  return encodeEthernet({
    destination: client as Mac,
    source: SERVER_MAC,
    etherType: ETHERTYPE_IPV6,
    payload,
  });
}

function tagged(frame: Uint8Array): Uint8Array {
  return concatBytes([frame.subarray(0, 12), Uint8Array.of(0x81, 0, 0, 30), frame.subarray(12)]);
}

async function stageWith(config: ConfigPart, replies: Setting['replies'] = {}): Promise<SimulatedStage> {
  const stage = new SimulatedStage({ machines: 2, config, replies });
  await stage.login(stage.machine(1));
  return stage;
}

function said(stage: SimulatedStage): readonly string[] {
  return stage
    .events('warning')
    .filter(({ code }) => code === 'dhcp-lease')
    .map(({ message }) => message);
}

function captures(stage: SimulatedStage): unknown {
  const effects = stage.net.performed.map(({ effect }) => effect);
  return effects.findLast((effect) => effect.type === 'watch-leases')?.captures;
}

describe('a lease', () => {
  it.each<readonly [string, (mac: string) => Uint8Array, readonly string[]]>([
    ['of a day', (mac) => ack(mac), ['10.99.0.254 in 10.99.0.0/24 last for 86400 s']],
    [
      'for ever',
      (mac) => ack(mac, { leaseTimeS: 0xffffffff }),
      ['10.99.0.254 in 10.99.0.0/24 last for ever'],
    ],
    ['of four hours', (mac) => ack(mac, { leaseTimeS: 14_400 }), []],
    ['that is offered only', (mac) => ack(mac, { messageType: 2 }), []],
    ['that is refused', (mac) => ack(mac, { messageType: 6 }), []],
    ['that somebody asks for', (mac) => ack(mac, { op: 1, messageType: 3 }), []],
    ['of nobody, as of an answer to an INFORM', (mac) => ack(mac, { yiaddr: '0.0.0.0' as Ipv4 }), []],
    ['by a relay', (mac) => ack(mac, { giaddr: '10.99.0.1' as Ipv4 }), ['10.99.0.254 in 10.99.0.0/24']],
    ['in a tagged frame', (mac) => tagged(ack(mac)), ['10.99.0.254 in 10.99.0.0/24 last for 86400 s']],
    ['of a stranger', () => ack('02:66:00:00:00:01'), []],
    ['by DHCPv6', (mac) => reply(mac, 86_400), ['000300010299000000fd in fd00:99::/64', 'prefixes of /56']],
    ['that DHCPv6 advertises', (mac) => reply(mac, 86_400, 2), []],
    ['by DHCPv6 that was released', (mac) => reply(mac, 0), []],
  ])('%s', async (_, frame, wanted) => {
    const stage = await stageWith(HOURLY);
    stage.net.post({ type: 'lease-frame', bytes: frame(stage.machine(1).mac) });
    const messages = said(stage);
    expect(messages).toHaveLength(wanted.length);
    for (const [i, part] of wanted.entries()) expect(messages[i]).toContain(part);
    for (const message of messages) expect(message).toContain('sessions of role default for 3600 s');
  });

  it('is warned of once, and again when the timer of the role is another', async () => {
    const stage = await stageWith(HOURLY);
    const { mac } = stage.machine(1);
    for (let i = 0; i < 3; i++) stage.net.post({ type: 'lease-frame', bytes: ack(mac) });
    expect(said(stage)).toHaveLength(1);
    await stage.ask('timers', { role: 'default', session_s: 7200 });
    // At once, not only when the lease is renewed.
    expect(said(stage)).toHaveLength(2);
    for (let i = 0; i < 3; i++) stage.net.post({ type: 'lease-frame', bytes: ack(mac) });
    expect(said(stage)[1]).toContain('for 7200 s');
    expect(said(stage)).toHaveLength(2);
  });

  it('that a client had before it logged in is judged when it does', async () => {
    const stage = new SimulatedStage({ machines: 2, config: HOURLY });
    const [first, second] = [stage.machine(1), stage.machine(2)];
    stage.net.post({ type: 'lease-frame', bytes: ack(first.mac) });
    stage.net.post({ type: 'lease-frame', bytes: ack(second.mac, { leaseTimeS: 20_000 }) });
    expect(said(stage)).toEqual([]);
    await stage.login(first);
    expect(said(stage)).toEqual([
      expect.stringContaining('last for 86400 s, sessions of role default for 3600 s'),
    ]);
    // Shorter than what was said already.
    await stage.login(second);
    expect(said(stage)).toHaveLength(1);
    await stage.logoff(first);
    await stage.pass(90_000_000);
    await stage.ask('timers', { role: 'default', session_s: 1800 });
    await stage.login(first);
    expect(said(stage)).toHaveLength(1);
  });

  it('that makes no sense is counted by reason', async () => {
    const stage = await stageWith(HOURLY);
    for (const bytes of [
      new Uint8Array(5),
      ack(stage.machine(1).mac).subarray(0, 60),
      reply(SERVER_MAC, 9).subarray(0, 60),
    ])
      stage.net.post({ type: 'lease-frame', bytes });
    expect(await stage.ask('info')).toMatchObject({
      counters: { 'dhcp-length': 1, 'dhcp6-length': 1, 'ethernet-short': 1 },
    });
  });
});

describe('what is listened to', () => {
  const all = [
    { device: 'up0', direction: 'in' },
    { device: 'br0', direction: 'out' },
  ];

  it('nothing, where no session has a timer', async () => {
    expect(captures(await stageWith({}))).toBeUndefined();
  });

  it('nothing, where it is off', async () => {
    expect(captures(await stageWith({ ...HOURLY, dhcp_watch: { enabled: false } }))).toBeUndefined();
  });

  it('uplinks and the bridge, where a role has a timer, or RADIUS gives one', async () => {
    expect(captures(await stageWith(HOURLY))).toEqual(all);
    expect(captures(await stageWith({}, { u1: { sessionTimeoutS: 600 } }))).toEqual(all);
    const reauthenticated = { u1: { sessionTimeoutS: 600, terminationAction: 1 } } as const;
    expect(captures(await stageWith({}, reauthenticated))).toBeUndefined();
  });

  it('the same, where a port has the login page', async () => {
    expect(captures(await stageWith({ web: {}, ports: { 'p*': { portal: true } } }))).toEqual(all);
  });

  it('follows the configuration and the ports', async () => {
    const stage = await stageWith(HOURLY);
    stage.net.bridge.remove('up0');
    await stage.pass(100);
    expect(captures(stage)).toEqual([{ device: 'br0', direction: 'out' }]);
    stage.net.bridge.restore('up0');
    await stage.pass(100);
    expect(captures(stage)).toEqual(all);
    const off = simFile({ ...HOURLY, dhcp_watch: { enabled: false } });
    expect(await stage.ask('config', { apply: off })).toMatchObject({ applied: true });
    expect(captures(stage)).toEqual([]);
  });

  it('a server on an access port is not believed, and counted', async () => {
    const stage = await stageWith(HOURLY);
    const { mac, port } = stage.machine(1);
    stage.net.post({ type: 'frame', port: port as PortName, bytes: ack(mac).fill(1, 6, 11).fill(2, 6, 7) });
    expect(said(stage)).toEqual([]);
    expect(await stage.ask('info')).toMatchObject({ counters: { 'dhcp-untrusted-server': 1 } });
  });
});
