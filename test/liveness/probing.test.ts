import { describe, expect, it } from 'vitest';
import type { Ipv4, Ipv6 } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import { instant, LONG_AGO } from '../../src/base/time.ts';
import { chooseProbe, type Probe, type ProbeFacts, probeFrames } from '../../src/liveness/probing.ts';
import { PROBE_DEFAULTS } from '../../src/liveness/settings.ts';
import { ARP_REQUEST, decodeArp, isArpProbe } from '../../src/wire/arp.ts';
import {
  decodeEthernet,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV6,
  type EthernetFrame,
} from '../../src/wire/ethernet.ts';
import { decodeNd, isDuplicateAddressDetection, ND_NEIGHBOR_SOLICITATION } from '../../src/wire/nd.ts';

const CLIENT = '02:00:00:00:00:01' as Mac;
const OURS = '02:aa:aa:aa:aa:aa' as Mac;
const GATEWAY = '02:bb:bb:bb:bb:bb' as Mac;
const IPV4 = '192.0.2.10' as Ipv4;
const IPV6 = '2001:db8::10' as Ipv6;
const OUR_IPV4 = '192.0.2.2' as Ipv4;
const OUR_IPV6 = 'fe80::2' as Ipv6;
const NOW = instant(100_000);

function choose(facts: Partial<ProbeFacts>, unspecified = false): Probe {
  const known: ProbeFacts = {
    addresses: { ipv4: IPV4 },
    source: { mac: OURS, ipv4: OUR_IPV4, ipv6: OUR_IPV6 },
    ownMac: OURS,
    linkUpAt: instant(0),
    announcedAt: LONG_AGO,
    probe: 'address',
    unanswered: undefined,
    ...facts,
  };
  return chooseProbe(known, { ...PROBE_DEFAULTS, allowUnspecifiedSource: unspecified }, NOW);
}

function sendable(probe: Probe): Extract<Probe, { type: 'arp' | 'nd' }> {
  if (probe.type !== 'arp' && probe.type !== 'nd') throw new Error(`a probe by ${probe.type}`);
  return probe;
}

describe('which probe a client gets', () => {
  it.each<[string, Partial<ProbeFacts>, Partial<Probe>]>([
    ['IPv4 known: ARP', {}, { type: 'arp', senderIp: OUR_IPV4, senderMac: OURS, targetIp: IPV4 }],
    ['both known: ARP', { addresses: { ipv4: IPV4, ipv6: IPV6 } }, { type: 'arp', targetIp: IPV4 }],
    [
      'IPv6 only: a neighbour solicitation',
      { addresses: { ipv6: IPV6 } },
      { type: 'nd', senderIp: OUR_IPV6, senderMac: OURS, targetIp: IPV6 },
    ],
    [
      'both known, but we have IPv6 only in that VLAN',
      { addresses: { ipv4: IPV4, ipv6: IPV6 }, source: { mac: OURS, ipv6: OUR_IPV6 } },
      { type: 'nd' },
    ],
    [
      "a gateway's address bears the gateway's MAC",
      { source: { mac: GATEWAY, ipv4: OUR_IPV4 } },
      { type: 'arp', senderMac: GATEWAY },
    ],
    [
      'no address: none, silence is judged without',
      { addresses: {} },
      { type: 'none', reason: 'no-address' },
    ],
    ['none of ours in that VLAN: none', { source: undefined }, { type: 'none', reason: 'no-source' }],
    [
      'IPv6 only and none of ours: none',
      { addresses: { ipv6: IPV6 }, source: { mac: OURS, ipv4: OUR_IPV4 } },
      { type: 'none', reason: 'no-source' },
    ],
    ['EAP if told to, whatever else is known', { probe: 'eap', addresses: {} }, { type: 'eap' }],
  ])('%s', (_, facts, probe) => {
    expect(choose(facts)).toMatchObject(probe);
  });

  describe('while it does not answer, by each family in turn', () => {
    const both = { ipv4: IPV4, ipv6: IPV6 };

    it.each<[string, Partial<ProbeFacts>, Probe['type']]>([
      ['both known, ARP unanswered: ND', { addresses: both, unanswered: 'arp' }, 'nd'],
      ['both known, ND unanswered: ARP again', { addresses: both, unanswered: 'nd' }, 'arp'],
      ['IPv4 alone: ARP again', { addresses: { ipv4: IPV4 }, unanswered: 'arp' }, 'arp'],
      ['IPv6 alone: ND again', { addresses: { ipv6: IPV6 }, unanswered: 'nd' }, 'nd'],
      [
        'both known, but we have IPv4 only in that VLAN: ARP again',
        { addresses: both, source: { mac: OURS, ipv4: OUR_IPV4 }, unanswered: 'arp' },
        'arp',
      ],
    ])('%s', (_, facts, type) => {
      expect(choose(facts).type).toBe(type);
    });
  });

  it('a sender 0.0.0.0 only if told to, with our own MAC, and only where there is no better', () => {
    const none = { source: undefined };
    expect(choose(none, false)).toEqual({ type: 'none', reason: 'no-source' });
    expect(choose(none, true)).toMatchObject({ type: 'arp', senderIp: '0.0.0.0', senderMac: OURS });
    expect(choose({}, true)).toMatchObject({ senderIp: OUR_IPV4 });
    // RFC 4862 §5.4: from :: it would be duplicate-address detection.
    expect(choose({ ...none, addresses: { ipv6: IPV6 } }, true)).toMatchObject({ type: 'none' });
  });
});

describe('a client with several IPv6 addresses', () => {
  const addresses = {
    ipv6: IPV6,
    heardIpv6: ['2001:db8::b', '2001:db8::c', IPV6].map((ip) => ({ ip: ip as Ipv6, at: instant(0) })),
  };

  const last = { type: 'nd', targetIp: '2001:db8::b' };
  const others = ['2001:db8::c', IPV6];

  it('is asked where it was heard last, whichever is told', () => {
    expect(choose({ addresses })).toMatchObject({ ...last, otherIps: [] });
  });

  it('is asked there and at all others while it does not answer: the first probe may have been lost', () => {
    expect(choose({ addresses, unanswered: 'nd' })).toMatchObject({ ...last, otherIps: others });
  });

  it('is asked by both families in turn all the same', () => {
    const both = { ...addresses, ipv4: IPV4 };
    expect(choose({ addresses: both })).toMatchObject({ type: 'arp' });
    expect(choose({ addresses: both, unanswered: 'arp' })).toMatchObject({ ...last, otherIps: others });
    expect(choose({ addresses: both, unanswered: 'nd' })).toMatchObject({ type: 'arp' });
  });

  it('that may be in another network now is asked where it was told', () => {
    const doubted = { ipv6: IPV6, heardIpv6: [] };
    const probe = { type: 'nd', targetIp: IPV6, otherIps: [] };
    expect(choose({ addresses: doubted, unanswered: 'nd' })).toMatchObject(probe);
  });
});

describe('hold times (RFC 5227)', () => {
  it.each([
    [9_999, 'withheld'],
    [10_000, 'arp'],
  ])('%i ms after link-up: %s', (ago, type) => {
    expect(choose({ linkUpAt: instant(NOW - ago) }).type).toBe(type);
  });

  it.each([
    [1_999, 'withheld'],
    [2_000, 'arp'],
  ])("%i ms after the client's announcement: %s", (ago, type) => {
    expect(choose({ announcedAt: instant(NOW - ago) }).type).toBe(type);
  });

  it('are no reason for a client that would get no probe anyway: its silence counts', () => {
    expect(choose({ addresses: {}, linkUpAt: NOW })).toEqual({ type: 'none', reason: 'no-address' });
  });
});

describe('the frame of a probe', () => {
  function framesOf(probe: ReturnType<typeof sendable>): readonly EthernetFrame[] {
    return probeFrames(probe, { mac: CLIENT }, OURS).map((bytes) => {
      const frame = decodeEthernet(bytes);
      if (!frame.ok) throw new Error(frame.error.detail);
      return frame.value;
    });
  }

  function frameOf(probe: ReturnType<typeof sendable>): EthernetFrame {
    const [frame, ...more] = framesOf(probe);
    if (frame === undefined || more.length > 0) throw new Error(`${more.length + 1} frames`);
    return frame;
  }

  it('ARP: unicast, from our MAC, the pair of the source inside', () => {
    const probe = sendable(choose({ source: { mac: GATEWAY, ipv4: OUR_IPV4 } }));
    const frame = frameOf(probe);
    expect(frame).toMatchObject({ destination: CLIENT, source: OURS, etherType: ETHERTYPE_ARP });
    const arp = decodeArp(frame.payload);
    if (!arp.ok) throw new Error(arp.error.detail);
    expect(arp.value).toMatchObject({
      operation: ARP_REQUEST,
      senderMac: GATEWAY,
      senderIp: OUR_IPV4,
      targetIp: IPV4,
    });
    expect(isArpProbe(arp.value)).toBe(false);
  });

  it("ND: unicast to the client's own address, with the option that belongs to the source", () => {
    const probe = sendable(choose({ addresses: { ipv6: IPV6 } }));
    const frame = frameOf(probe);
    expect(frame).toMatchObject({ destination: CLIENT, source: OURS, etherType: ETHERTYPE_IPV6 });
    const nd = decodeNd(frame.payload);
    if (!nd.ok) throw new Error(nd.error.detail);
    expect(nd.value).toEqual({
      type: ND_NEIGHBOR_SOLICITATION,
      source: OUR_IPV6,
      destination: IPV6,
      target: IPV6,
      linkLayer: OURS,
    });
    expect(isDuplicateAddressDetection(nd.value)).toBe(false);
  });

  it('ND, at several addresses: one for each, to the same client', () => {
    const heardIpv6 = [IPV6, '2001:db8::11' as Ipv6].map((ip) => ({ ip, at: instant(0) }));
    const probe = sendable(choose({ addresses: { ipv6: IPV6, heardIpv6 }, unanswered: 'nd' }));
    const frames = framesOf(probe);
    expect(frames.map(({ destination }) => destination)).toEqual([CLIENT, CLIENT]);
    const targets = frames.map(({ payload }) => {
      const nd = decodeNd(payload);
      return nd.ok && nd.value.type === ND_NEIGHBOR_SOLICITATION ? nd.value.target : undefined;
    });
    expect(targets).toEqual([IPV6, '2001:db8::11']);
  });
});
