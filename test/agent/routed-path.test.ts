// The routed path that somebody else writes to: what is lost is written again, and told of once.

import { beforeEach, describe, expect, it } from 'vitest';
import type { Ip, Ipv4 } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import type { IngressInterface } from '../../src/liveness/routed-probe.ts';
import { ARP_REPLY, encodeArp } from '../../src/wire/arp.ts';
import { ETHERTYPE_ARP, encodeEthernet } from '../../src/wire/ethernet.ts';
import { type ConfigPart, overlay } from '../rigs/config-part.ts';
import { SimulatedStage } from '../rigs/sim/stage.ts';
import { accountingRequest, SSO_SECRET } from '../rigs/sso.ts';

const VPN = '192.0.2.10';
const CONFIG: ConfigPart = {
  l3: { ingress: ['vpn0'] },
  sso: { role: 'vpn', clients: [{ address: VPN, secret: SSO_SECRET }] },
  roles: { default: {}, vpn: {} },
};
const USERS = Array.from({ length: 20 }, (_, i) => `10.0.0.${i + 1}` as Ip);

let stage: SimulatedStage;
function open(config: ConfigPart = {}): void {
  stage = new SimulatedStage({ machines: 1, config: overlay(CONFIG, config) });
}
beforeEach(() => open());

function logIn(...ips: readonly Ip[]): void {
  for (const ip of ips)
    stage.net.post({
      type: 'sso-requests',
      datagrams: [
        {
          address: VPN,
          port: 40_000,
          bytes: accountingRequest('start', { session: `s${ip}`, user: 'alice', ips: [ip] }),
        },
      ],
    });
}

const passing = (): number => USERS.filter((ip) => stage.net.routed.packet(ip)).length;
const warnings = (): readonly string[] => stage.events('warning').map(({ code }) => String(code));

describe('many users', () => {
  beforeEach(() => logIn(...USERS));

  it('are in again at once when somebody has flushed nftables, with one warning', () => {
    stage.net.routed.takeOut();
    stage.net.post({ type: 'routed-path-lost' });
    expect(passing()).toBe(20);
    stage.net.advance(11_000);
    expect(warnings()).toEqual(['routed-path']);
    expect(stage.events('warning')[0]?.message).toContain('20 users are let in anew');
  });

  it('that somebody has taken out are in again after the next look, with one warning', () => {
    stage.net.routed.takeOut();
    stage.net.advance(11_000);
    expect(passing()).toBe(20);
    expect(warnings()).toEqual(['grant-lost']);
    expect(stage.events('warning')[0]?.message).toContain('20 addresses were taken out');
  });
});

describe('a first hop', () => {
  const SILENT: ConfigPart = { heartbeat_s: 5, handshake: { period_s: 5, times: 3 } };
  const [A, B] = ['10.0.0.1' as Ip, '10.0.1.1' as Ip];
  const on = (...cidrs: readonly string[]) => ({
    mac: '02:00:00:00:00:fe' as Mac,
    addresses: cidrs.map((cidr) => {
      const [ip, length] = cidr.split('/');
      return { ip: ip as Ip, prefixLength: Number(length) };
    }),
  });
  const ends = (): readonly string[] =>
    stage.events('session-end').map(({ key, cause }) => `${key} ${cause}`);

  beforeEach(() => open({ l3: { ingress: ['vpn0', 'vpn1'], first_hop: true }, roles: { vpn: SILENT } }));

  function own(
    ingress: Readonly<Record<string, IngressInterface>>,
    enslaved: Record<string, string> = {},
  ): void {
    stage.net.post({
      type: 'own-addresses',
      sources: new Map(),
      addresses: new Set(),
      ingress: new Map(Object.entries(ingress)),
      enslaved: new Map(Object.entries(enslaved)),
    });
  }

  /** The client answers, or somebody says so, on this interface. */
  function announce(ip: Ip, where: string): void {
    const mac = '02:00:00:00:00:01' as Mac;
    stage.net.post({
      type: 'routed-frame',
      interface: where,
      bytes: encodeEthernet({
        destination: on().mac,
        source: mac,
        etherType: ETHERTYPE_ARP,
        payload: encodeArp({
          operation: ARP_REPLY,
          senderMac: mac,
          senderIp: ip as Ipv4,
          targetMac: on().mac,
          targetIp: '10.0.0.254' as Ipv4,
        }),
      }),
    });
  }

  it('that cannot be asked loses nobody, which is said once; as soon as it can be, silence counts', () => {
    own({ vpn0: on('10.9.0.254/24', 'fe80::1/64') });
    logIn(A, B);
    stage.net.advance(60_000);
    expect(ends()).toEqual([]);
    expect(stage.net.routed.injected).toEqual([]);
    expect(warnings()).toEqual(['routed-path']);
    expect(stage.events('warning')[0]?.message).toContain('has an IPv4 address on the subnet of 10.0.0.1');
    own({ vpn0: on('10.0.0.254/24') });
    stage.net.advance(4000);
    expect(ends()).toEqual([]);
    stage.net.advance(60_000);
    expect(ends()).toEqual([`ip-${A} heartbeat-timeout`]);
  });

  it('is asked on the interface that has the subnet, and heard there alone', () => {
    own({ vpn0: on('10.0.0.254/16'), vpn1: on('10.0.1.254/24') });
    logIn(A, B);
    for (let s = 0; s < 10; s++) {
      stage.net.advance(1000);
      announce(A, 'vpn0');
      announce(B, 'vpn0');
    }
    expect(ends()).toEqual([`ip-${B} heartbeat-timeout`]);
  });

  it('whose interface is put into a bridge is told of, once', () => {
    own({}, { vpn0: 'br1' });
    own({ vpn1: on('10.0.0.254/24') }, { vpn0: 'br1' });
    expect(stage.events('warning').map(({ message }) => message)).toEqual([
      'vpn0 has been put into br1: what it forwards comes in by br1 and passes without a session',
    ]);
  });
});
