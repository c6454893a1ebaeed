import { describe, expect, it } from 'vitest';
import type { Ip, Ipv4, Ipv6 } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import { present } from '../../src/base/present.ts';
import { instant } from '../../src/base/time.ts';
import {
  addressIn,
  doubtAddresses,
  isAnnouncement,
  learnAddress,
  type Sign,
} from '../../src/liveness/address-learning.ts';
import { isAddressOf, type SessionAddresses } from '../../src/model/session.ts';
import { ARP_REPLY, ARP_REQUEST } from '../../src/wire/arp.ts';
import { BOOTREQUEST, DHCPREQUEST } from '../../src/wire/dhcp.ts';
import { ND_NEIGHBOR_ADVERTISEMENT, ND_NEIGHBOR_SOLICITATION } from '../../src/wire/nd.ts';

const CLIENT = '02:00:00:00:00:01' as Mac;
const STRANGER = '02:00:00:00:00:66' as Mac;
const GATEWAY_IP = '192.0.2.1' as Ip;
const NONE = '0.0.0.0' as Ipv4;

function arp(senderIp: string, over: { senderMac?: Mac; operation?: number; targetIp?: string } = {}): Sign {
  const { senderMac = CLIENT, operation = ARP_REQUEST, targetIp = '192.0.2.1' } = over;
  const ips = { senderIp: senderIp as Ipv4, targetIp: targetIp as Ipv4 };
  return { kind: 'arp', packet: { operation, senderMac, targetMac: STRANGER, ...ips } };
}

function solicitation(source: string, target = 'fe80::1'): Sign {
  const ips = { source: source as Ipv6, destination: 'ff02::1:ff00:1' as Ipv6, target: target as Ipv6 };
  return { kind: 'nd', message: { type: ND_NEIGHBOR_SOLICITATION, ...ips } };
}

function advertisement(target: string): Sign {
  const ips = { source: 'fe80::10' as Ipv6, destination: 'fe80::2' as Ipv6, target: target as Ipv6 };
  const flags = { router: false, solicited: true, override: true };
  return { kind: 'nd', message: { type: ND_NEIGHBOR_ADVERTISEMENT, ...ips, ...flags, linkLayer: CLIENT } };
}

function request(requestedIp: string, chaddr = CLIENT): Sign {
  const ips = {
    source: NONE,
    destination: '255.255.255.255' as Ipv4,
    ciaddr: NONE,
    yiaddr: NONE,
    giaddr: NONE,
  };
  const head = { op: BOOTREQUEST, transactionId: 1, chaddr, messageType: DHCPREQUEST };
  return { kind: 'dhcp', message: { ...head, ...ips, requestedIp: requestedIp as Ipv4 } };
}

/** What is known of the client after these frames of its own. */
function learntFrom(...signs: readonly Sign[]): SessionAddresses {
  const addresses: SessionAddresses = {};
  for (const sign of signs) learn(addresses, sign);
  return addresses;
}

function learn(addresses: SessionAddresses, sign: Sign, atS = 0): ReturnType<typeof learnAddress> {
  return learnAddress(addresses, addressIn(sign, CLIENT), (ip) => ip === GATEWAY_IP, instant(atS * 1000));
}

function told({ ipv4, ipv6 }: SessionAddresses): SessionAddresses {
  return present({ ipv4, ipv6 });
}

describe('an address is learnt from', () => {
  it.each<[string, Sign, SessionAddresses]>([
    ['an ARP request', arp('192.0.2.10'), { ipv4: '192.0.2.10' as Ip }],
    ['an ARP reply', arp('192.0.2.10', { operation: ARP_REPLY }), { ipv4: '192.0.2.10' as Ip }],
    ['an announcement', arp('192.0.2.10', { targetIp: '192.0.2.10' }), { ipv4: '192.0.2.10' as Ip }],
    ['the source of a solicitation', solicitation('2001:db8::10'), { ipv6: '2001:db8::10' as Ip }],
    ['the target of an advertisement', advertisement('2001:db8::11'), { ipv6: '2001:db8::11' as Ip }],
    ['a DHCPREQUEST', request('192.0.2.10'), { ipv4: '192.0.2.10' as Ip }],
  ])('%s', (_, sign, addresses) => {
    expect(told(learntFrom(sign))).toEqual(addresses);
  });
});

describe('nothing is learnt from', () => {
  it.each<[string, Sign]>([
    ['EAPOL', { kind: 'eapol' }],
    ['an ARP probe: the address is not its own yet', arp('0.0.0.0', { targetIp: '192.0.2.10' })],
    ['duplicate-address detection', solicitation('::', '2001:db8::10')],
    ['ARP in the name of another MAC', arp('192.0.2.10', { senderMac: STRANGER })],
    ['DHCP for another MAC', request('192.0.2.10', STRANGER)],
    ["the gateway's address", arp('192.0.2.1')],
    ['an address of nobody', arp('127.0.0.1')],
    ['multicast', arp('224.0.0.1')],
    ['the broadcast address', arp('255.255.255.255')],
  ])('%s', (_, sign) => {
    expect(learntFrom(sign)).toEqual({});
  });
});

describe('of several addresses', () => {
  it('of IPv4 the newest is told, of IPv6 the first', () => {
    const signs = [
      arp('192.0.2.10'),
      solicitation('2001:db8::10'),
      arp('192.0.2.20'),
      advertisement('2001:db8::20'),
    ];
    expect(told(learntFrom(...signs))).toEqual({ ipv4: '192.0.2.20', ipv6: '2001:db8::10' });
  });

  it('169.254 and fe80 are kept only while nothing better is known', () => {
    expect(told(learntFrom(arp('169.254.7.7'), solicitation('fe80::7')))).toEqual({
      ipv4: '169.254.7.7',
      ipv6: 'fe80::7',
    });
    const better = [arp('192.0.2.10'), solicitation('2001:db8::10')];
    const weak = [arp('169.254.7.7'), solicitation('fe80::7')];
    expect(learntFrom(...weak, ...better)).toEqual(learntFrom(...better));
    expect(learntFrom(...better, ...weak)).toEqual(learntFrom(...better));
  });

  it('a claim in DHCP fills a gap, and does not replace what was seen', () => {
    expect(learntFrom(arp('192.0.2.10'), request('192.0.2.99'))).toEqual({ ipv4: '192.0.2.10' });
    expect(learntFrom(request('192.0.2.99'), arp('192.0.2.10'))).toEqual({ ipv4: '192.0.2.10' });
  });
});

describe('a host with a stable and a temporary IPv6 address (RFC 8981)', () => {
  const stable = '2001:db8::aa' as Ip;
  const temporary = '2001:db8::bb' as Ip;
  const own = (n: number): Sign => solicitation(`2001:db8::${n}`);

  it('changes nothing that is told, whichever it uses; both are its own', () => {
    const addresses: SessionAddresses = {};
    expect(learn(addresses, advertisement(stable))).toBe('told');
    expect(learn(addresses, solicitation(temporary), 30)).toBe('known');
    for (let s = 60; s < 6 * 3600; s += 60)
      expect(learn(addresses, s % 120 === 0 ? advertisement(stable) : solicitation(temporary), s)).toBe(
        undefined,
      );
    expect(addresses.ipv6).toBe(stable);
    expect(isAddressOf(addresses, temporary, instant(6 * 3600_000))).toBe(true);
    expect(addresses.heardIpv6?.map(({ ip }) => ip)).toEqual([temporary, stable]);
  });

  it('that gives one up has the other one told, once the first was not heard for an hour', () => {
    const addresses: SessionAddresses = {};
    learn(addresses, solicitation(stable));
    expect(learn(addresses, solicitation(temporary), 3599)).toBe('known');
    expect(learn(addresses, solicitation(temporary), 3600)).toBe('told');
    expect(addresses.ipv6).toBe(temporary);
    expect(isAddressOf(addresses, stable, instant(3600_000))).toBe(false);
  });

  it('is not found by one that was not heard for an hour, though nothing else was heard; by the told one it is', () => {
    const addresses = learntFrom(solicitation(stable), solicitation(temporary));
    const found = (atS: number) =>
      [stable, temporary].map((ip) => isAddressOf(addresses, ip, instant(atS * 1000)));
    expect(found(3599)).toEqual([true, true]);
    expect(found(3600)).toEqual([true, false]);
  });

  it('of an address that was not heard here before (of a restart, a login page) the same holds', () => {
    const addresses: SessionAddresses = { ipv6: stable };
    expect(learn(addresses, solicitation(temporary), 10)).toBe('known');
    expect(addresses.ipv6).toBe(stable);
    expect(learn(addresses, solicitation(temporary), 3610)).toBe('told');
  });

  it('in another network has the next one told, and its old ones forgotten', () => {
    const addresses = learntFrom(solicitation(stable), solicitation(temporary));
    doubtAddresses(addresses);
    expect(learn(addresses, own(1), 1)).toBe('told');
    expect(addresses).toEqual({ ipv6: '2001:db8::1', heardIpv6: [{ ip: '2001:db8::1', at: 1000 }] });
  });

  it('that invents addresses has four, says so three times, and keeps the one that is told', () => {
    const addresses: SessionAddresses = {};
    const said: unknown[] = [];
    for (let n = 1; n <= 200; n++) said.push(learn(addresses, own(n), n));
    expect(said.filter((each) => each !== undefined)).toEqual(['told', 'known', 'known', 'known']);
    expect(addresses.ipv6).toBe('2001:db8::1');
    expect(addresses.heardIpv6?.map(({ ip }) => ip)).toEqual([
      '2001:db8::200',
      '2001:db8::199',
      '2001:db8::198',
      '2001:db8::1',
    ]);
  });

  it('has no link-local one beside them', () => {
    const addresses = learntFrom(solicitation('fe80::7'), solicitation(stable), solicitation('fe80::7'));
    expect(addresses.heardIpv6?.map(({ ip }) => ip)).toEqual([stable]);
  });
});

describe('a client that settles its address (RFC 5227, RFC 4862)', () => {
  it.each<[string, Sign, boolean]>([
    ['tests it by ARP', arp('0.0.0.0', { targetIp: '192.0.2.10' }), true],
    ['announces it by ARP', arp('192.0.2.10', { targetIp: '192.0.2.10' }), true],
    ['tests it by ND', solicitation('::', '2001:db8::10'), true],
    ['asks for its gateway', arp('192.0.2.10'), false],
    ['answers', advertisement('2001:db8::10'), false],
    ['speaks DHCP', request('192.0.2.10'), false],
    ['speaks EAPOL', { kind: 'eapol' }, false],
  ])('%s: %s', (_, sign, announces) => {
    expect(isAnnouncement(sign)).toBe(announces);
  });
});
