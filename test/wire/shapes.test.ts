// What a decoded message means to the watcher, and how it reads to people.

import { describe, expect, it } from 'vitest';
import { fromHex, toHex, utf8 } from '../../src/base/bytes.ts';
import type { Ipv4, Ipv6 } from '../../src/base/ip.ts';
import { type Mac, ZERO_ADDRESS } from '../../src/base/mac.ts';
import type { Decoded } from '../../src/base/result.ts';
import {
  ARP_REPLY,
  ARP_REQUEST,
  type ArpPacket,
  buildArpReply,
  buildArpRequest,
  decodeArp,
  describeArp,
  isArpAnnouncement,
  isArpProbe,
} from '../../src/wire/arp.ts';
import { assignedIp, claimedIp, type DhcpMessage, describeDhcp } from '../../src/wire/dhcp.ts';
import {
  buildFailure,
  buildIdentityRequest,
  buildSuccess,
  describeEap,
  EAP_REQUEST,
  EAP_RESPONSE,
  EAP_TYPE_IDENTITY,
  identityText,
} from '../../src/wire/eap.ts';
import { describeEapol } from '../../src/wire/eapol.ts';
import { describeEthernet } from '../../src/wire/ethernet.ts';
import { describeIpv4 } from '../../src/wire/ipv4.ts';
import {
  buildNeighborSolicitation,
  decodeNd,
  describeNd,
  isDuplicateAddressDetection,
  multicastMac,
  ND_NEIGHBOR_ADVERTISEMENT,
  ND_NEIGHBOR_SOLICITATION,
  ND_ROUTER_SOLICITATION,
  solicitedNodeAddress,
} from '../../src/wire/nd.ts';
import { quoted } from '../../src/wire/quote.ts';

const US = '02:aa:00:00:00:01' as Mac;
const CLIENT = '02:bb:00:00:00:02' as Mac;
const NOBODY = '0.0.0.0' as Ipv4;
const OUR_IP = '192.0.2.1' as Ipv4;
const CLIENT_IP = '192.0.2.50' as Ipv4;

function value<T>(decoded: Decoded<T>): T {
  if (!decoded.ok) throw new Error(`refused: ${decoded.error.reason}, ${decoded.error.detail}`);
  return decoded.value;
}

describe('EAP identity (RFC 3748 §5.1)', () => {
  const identity = (code: number, text: string) => ({
    code,
    identifier: 1,
    type: EAP_TYPE_IDENTITY,
    data: utf8(text),
  });

  it('of a response is all of it, of a request what stands before NUL', () => {
    expect(identityText(identity(EAP_RESPONSE, 'bob\0x'))).toBe('bob\0x');
    expect(identityText(identity(EAP_REQUEST, 'Hello\0networkid=x'))).toBe('Hello');
    expect(identityText(identity(EAP_REQUEST, 'Hello'))).toBe('Hello');
  });

  it('is not looked for in another method', () => {
    expect(identityText({ code: EAP_RESPONSE, identifier: 1, type: 4, data: utf8('bob') })).toBeUndefined();
  });

  it('that attacks the terminal is quoted', () => {
    expect(describeEap(identity(EAP_RESPONSE, '\u001b[2J\u009b1m\u202e"'))).toBe(
      'EAP Response/Identity id 1 "\\u001b[2J\\u009b1m\\u202e\\"", 12 octets',
    );
    expect(quoted('x'.repeat(100))).toHaveLength(66);
  });
});

it('EAP packets of our own are what RFC 3748 §4 draws', () => {
  expect(toHex(buildIdentityRequest(5))).toBe('0105000501');
  expect(toHex(buildSuccess(6))).toBe('03060004');
  expect(toHex(buildFailure(255))).toBe('04ff0004');
});

describe('ARP shapes (RFC 5227)', () => {
  const packet = (senderIp: Ipv4, targetIp: Ipv4, operation = ARP_REQUEST): ArpPacket => ({
    operation,
    senderMac: CLIENT,
    senderIp,
    targetMac: ZERO_ADDRESS,
    targetIp,
  });

  it.each([
    ['an ordinary request', packet(CLIENT_IP, OUR_IP), false, false],
    ['a probe', packet(NOBODY, CLIENT_IP), true, false],
    ['an announcement', packet(CLIENT_IP, CLIENT_IP), false, true],
    ['an announcement as a reply', packet(CLIENT_IP, CLIENT_IP, ARP_REPLY), false, true],
    ['a reply from nobody', packet(NOBODY, CLIENT_IP, ARP_REPLY), false, false],
    ['zeroes all over', packet(NOBODY, NOBODY), false, false],
  ])('%s', (_what, arp, probe, announcement) => {
    expect(isArpProbe(arp)).toBe(probe);
    expect(isArpAnnouncement(arp)).toBe(announcement);
  });

  it('our request pairs the address with the MAC that it was given, and leaves the target open', () => {
    const request = value(
      decodeArp(buildArpRequest({ senderMac: US, senderIp: OUR_IP, targetIp: CLIENT_IP })),
    );
    expect(request).toEqual({
      operation: ARP_REQUEST,
      senderMac: US,
      senderIp: OUR_IP,
      targetMac: ZERO_ADDRESS,
      targetIp: CLIENT_IP,
    });
    const addresses = { senderMac: US, senderIp: OUR_IP, targetMac: CLIENT, targetIp: CLIENT_IP };
    expect(value(decodeArp(buildArpRequest(addresses))).targetMac).toBe(CLIENT);
    expect(value(decodeArp(buildArpReply(addresses))).operation).toBe(ARP_REPLY);
  });
});

describe('neighbour discovery', () => {
  const ours = 'fe80::1' as Ipv6;
  const theirs = '2001:db8::2:3456' as Ipv6;

  it('our probe goes to the client itself and carries the MAC that it was given', () => {
    const probe = value(
      decodeNd(buildNeighborSolicitation({ sourceIp: ours, sourceMac: US, targetIp: theirs })),
    );
    expect(probe).toEqual({
      type: ND_NEIGHBOR_SOLICITATION,
      source: ours,
      destination: theirs,
      target: theirs,
      linkLayer: US,
    });
    expect(isDuplicateAddressDetection(probe)).toBe(false);
  });

  it('a solicitation from nobody is duplicate address detection (RFC 4862 §5.4)', () => {
    const group = solicitedNodeAddress(theirs);
    expect(group).toBe('ff02::1:ff02:3456');
    expect(multicastMac(group)).toBe('33:33:ff:02:34:56');
    const source = '::' as Ipv6;
    const message = { type: ND_NEIGHBOR_SOLICITATION, source, destination: group, target: theirs } as const;
    expect(isDuplicateAddressDetection(message)).toBe(true);
    expect(describeNd(message)).toBe('ND is 2001:db8::2:3456 free?');
  });
});

describe('DHCP', () => {
  const message = (over: Partial<DhcpMessage>): DhcpMessage => ({
    source: NOBODY,
    destination: '255.255.255.255' as Ipv4,
    op: 1,
    transactionId: 1,
    ciaddr: NOBODY,
    yiaddr: NOBODY,
    giaddr: NOBODY,
    chaddr: CLIENT,
    messageType: 3,
    ...over,
  });

  it.each([
    ['a request that selects', message({ requestedIp: CLIENT_IP }), CLIENT_IP, undefined],
    ['a request that renews', message({ ciaddr: CLIENT_IP }), CLIENT_IP, undefined],
    ['a request for nothing', message({}), undefined, undefined],
    ['a discover with a wish', message({ messageType: 1, requestedIp: CLIENT_IP }), undefined, undefined],
    ['an acknowledgement', message({ op: 2, messageType: 5, yiaddr: CLIENT_IP }), undefined, CLIENT_IP],
    ['an answer to an inform', message({ op: 2, messageType: 5, ciaddr: CLIENT_IP }), undefined, undefined],
    ['an offer', message({ op: 2, messageType: 2, yiaddr: CLIENT_IP }), undefined, undefined],
    ['a client that plays the server', message({ messageType: 5, yiaddr: CLIENT_IP }), undefined, undefined],
    ['a server that plays the client', message({ op: 2, requestedIp: CLIENT_IP }), undefined, undefined],
  ])('%s', (_what, dhcp, claimed, assigned) => {
    expect(claimedIp(dhcp)).toBe(claimed);
    expect(assignedIp(dhcp)).toBe(assigned);
  });

  it('reads as a line', () => {
    const ack = message({ op: 2, messageType: 5, yiaddr: CLIENT_IP, leaseTimeS: 60 });
    expect(describeDhcp(ack)).toBe('DHCP ACK of 02:bb:00:00:00:02: 192.0.2.50 for 60 s');
    expect(describeDhcp(message({ messageType: 99 }))).toBe('DHCP type 99 of 02:bb:00:00:00:02');
  });
});

it('frames and packets read as a line', () => {
  const payload = fromHex('0102') ?? new Uint8Array(0);
  expect(describeEthernet({ destination: US, source: CLIENT, vlan: 0, etherType: 0x88cc, payload })).toBe(
    '02:bb:00:00:00:02 > 02:aa:00:00:00:01 vlan 0 type 0x88cc, 2 octets',
  );
  expect(describeEapol({ version: 4, type: 1, body: payload })).toBe('EAPOL v4 Start, 2 octets');
  expect(describeEapol({ version: 1, type: 77, body: payload })).toBe('EAPOL v1 type 77, 2 octets');
  const datagram = { source: OUR_IP, destination: CLIENT_IP, protocol: 17, ttl: 64, fragment: true, payload };
  expect(describeIpv4(datagram)).toBe('IPv4 192.0.2.1 > 192.0.2.50 protocol 17 fragment, 2 octets');
  const lines = [
    describeArp({ operation: 1, senderMac: US, senderIp: OUR_IP, targetMac: CLIENT, targetIp: CLIENT_IP }),
    describeArp({ operation: 2, senderMac: US, senderIp: OUR_IP, targetMac: CLIENT, targetIp: CLIENT_IP }),
    describeArp({ operation: 3, senderMac: US, senderIp: OUR_IP, targetMac: CLIENT, targetIp: CLIENT_IP }),
    describeNd({ type: ND_ROUTER_SOLICITATION, source: 'fe80::2' as Ipv6, destination: 'ff02::2' as Ipv6 }),
    describeNd({
      type: ND_NEIGHBOR_ADVERTISEMENT,
      source: 'fe80::2' as Ipv6,
      destination: 'fe80::1' as Ipv6,
      target: 'fe80::2' as Ipv6,
      router: false,
      solicited: true,
      override: true,
      linkLayer: CLIENT,
    }),
  ];
  expect(lines).toEqual([
    'ARP who has 192.0.2.50? tell 192.0.2.1 at 02:aa:00:00:00:01',
    'ARP 192.0.2.1 is at 02:aa:00:00:00:01, told to 192.0.2.50 at 02:bb:00:00:00:02',
    'ARP operation 3 from 192.0.2.1 at 02:aa:00:00:00:01',
    'ND router solicitation from fe80::2',
    'ND fe80::2 is at 02:bb:00:00:00:02, told to fe80::1',
  ]);
});
