// For every codec: what is encoded and decoded again is what it was, padding or not.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, toHex } from '../../src/base/bytes.ts';
import { type Ipv4, type Ipv6, ipv4FromBytes, ipv6FromBytes } from '../../src/base/ip.ts';
import { type Mac, macFromBytes } from '../../src/base/mac.ts';
import type { Decoded } from '../../src/base/result.ts';
import { type ArpPacket, decodeArp, encodeArp } from '../../src/wire/arp.ts';
import { type DhcpMessage, decodeDhcp, encodeDhcp } from '../../src/wire/dhcp.ts';
import { type Dhcp6Message, decodeDhcp6, encodeDhcp6 } from '../../src/wire/dhcp6.ts';
import { decodeEap, type EapPacket, encodeEap, validateEap } from '../../src/wire/eap.ts';
import { decodeEapol, type EapolPdu, encodeEapol } from '../../src/wire/eapol.ts';
import { decodeEthernet, type EthernetFrame, encodeEthernet } from '../../src/wire/ethernet.ts';
import { decodeIpv4, encodeIpv4, type Ipv4Packet } from '../../src/wire/ipv4.ts';
import { decodeNd, encodeNd, type NdMessage, validateNd } from '../../src/wire/nd.ts';
import { decodeRadius, encodeRadius, type RadiusPacket } from '../../src/wire/radius.ts';
import { eapMessage } from '../../src/wire/radius-attributes.ts';
import { hideUserPassword, revealUserPassword } from '../../src/wire/radius-password.ts';

const octet = fc.nat(0xff);
const u16 = fc.nat(0xffff);
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const octets = (maxLength: number) => fc.uint8Array({ maxLength });
const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const mac: fc.Arbitrary<Mac> = exactly(6).map((bytes) => macFromBytes(bytes));
const ipv4: fc.Arbitrary<Ipv4> = exactly(4).map((bytes) => ipv4FromBytes(bytes));
const ipv6: fc.Arbitrary<Ipv6> = fc
  .oneof(
    exactly(16),
    fc.constant(new Uint8Array(16)),
    exactly(8).map((tail) => concatBytes([new Uint8Array([0xfe, 0x80, 0, 0, 0, 0, 0, 0]), tail])),
    exactly(3).map((tail) =>
      concatBytes([new Uint8Array([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff]), tail]),
    ),
  )
  .map((bytes) => ipv6FromBytes(bytes));

/** Leaves out the keys that are undefined, as the codecs do. */
function compact<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;
}

const ethernet: fc.Arbitrary<EthernetFrame> = fc
  .record({
    destination: mac,
    source: mac,
    vlan: fc.option(fc.nat(4094), { nil: undefined }),
    // A frame whose type is that of a tag is a tagged frame.
    etherType: fc.integer({ min: 0x600, max: 0xffff }).filter((type) => type !== 0x8100),
    payload: octets(80),
  })
  .map((frame) => compact<EthernetFrame>(frame));

const eapol: fc.Arbitrary<EapolPdu> = fc.record({
  version: fc.integer({ min: 1, max: 255 }),
  type: octet,
  body: octets(80),
});

const eap: fc.Arbitrary<EapPacket> = fc
  .record({
    code: fc.integer({ min: 1, max: 8 }),
    identifier: octet,
    type: fc.option(octet, { nil: undefined }),
    data: octets(80),
  })
  .map((packet) => compact<EapPacket>(packet))
  .filter((packet) => validateEap(packet) === undefined);

const arp: fc.Arbitrary<ArpPacket> = fc.record({
  operation: u16,
  senderMac: mac,
  senderIp: ipv4,
  targetMac: mac,
  targetIp: ipv4,
});

const ip: fc.Arbitrary<Ipv4Packet> = fc.record({
  source: ipv4,
  destination: ipv4,
  protocol: octet,
  ttl: octet,
  fragment: fc.boolean(),
  payload: octets(80),
});

const ends = { source: ipv6, destination: ipv6, linkLayer: fc.option(mac, { nil: undefined }) };
const nd: fc.Arbitrary<NdMessage> = fc
  .oneof(
    fc.record({ type: fc.constant(135 as const), ...ends, target: ipv6 }),
    fc.record({ type: fc.constant(133 as const), ...ends }),
    fc.record({
      type: fc.constant(136 as const),
      ...ends,
      target: ipv6,
      router: fc.boolean(),
      solicited: fc.boolean(),
      override: fc.boolean(),
    }),
  )
  .map((message) => compact<NdMessage>(message))
  .filter((message) => validateNd(message) === undefined);

const dhcp: fc.Arbitrary<DhcpMessage> = fc
  .record({
    source: ipv4,
    destination: ipv4,
    op: octet,
    transactionId: u32,
    ciaddr: ipv4,
    yiaddr: ipv4,
    giaddr: ipv4,
    chaddr: mac,
    messageType: octet,
    leaseTimeS: fc.option(u32, { nil: undefined }),
    serverId: fc.option(ipv4, { nil: undefined }),
    requestedIp: fc.option(ipv4, { nil: undefined }),
    subnetMask: fc.option(ipv4, { nil: undefined }),
  })
  .map((message) => compact<DhcpMessage>(message));

const dhcp6: fc.Arbitrary<Dhcp6Message> = fc
  .record({
    source: ipv6,
    destination: ipv6,
    messageType: octet.filter((type) => type !== 12 && type !== 13),
    transactionId: fc.nat(0xffffff),
    serverId: fc.option(
      fc.uint8Array({ minLength: 1, maxLength: 130 }).map((bytes) => toHex(bytes)),
      { nil: undefined },
    ),
    leases: fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant('address' as const), address: ipv6, validLifetimeS: u32 }),
        fc.record({
          kind: fc.constant('prefix' as const),
          prefix: ipv6,
          length: fc.nat(128),
          validLifetimeS: u32,
        }),
      ),
      { maxLength: 5 },
    ),
  })
  .map((message) => compact<Dhcp6Message>(message));

const EAP_MESSAGE = 79;
const radius: fc.Arbitrary<RadiusPacket> = fc.record({
  code: octet,
  identifier: octet,
  authenticator: exactly(16),
  attributes: fc.array(fc.record({ type: octet, value: fc.uint8Array({ minLength: 1, maxLength: 253 }) }), {
    maxLength: 15,
  }),
});

interface Property<Packet> {
  readonly arbitrary: fc.Arbitrary<Packet>;
  readonly encode: (packet: Packet) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => Decoded<Packet>;
  /** Octets behind the message are ignored; where false, they belong to its payload. */
  readonly padding: boolean;
}

function holds<Packet>({ arbitrary, encode, decode, padding }: Property<Packet>): void {
  fc.assert(
    fc.property(arbitrary, octets(padding ? 50 : 0), (packet, behind) => {
      expect(decode(concatBytes([encode(packet), behind]))).toEqual({ ok: true, value: packet });
    }),
    { numRuns: 300 },
  );
}

function radiusOctets(packet: RadiusPacket): Uint8Array {
  const encoded = encodeRadius(packet);
  if (!encoded.ok) throw new Error(encoded.error.reason);
  return encoded.value;
}

describe('decode after encode is the identity', () => {
  it('for Ethernet', () => {
    holds({ arbitrary: ethernet, encode: encodeEthernet, decode: decodeEthernet, padding: false });
  });
  it('for EAPOL', () => {
    holds({ arbitrary: eapol, encode: encodeEapol, decode: decodeEapol, padding: true });
  });
  it('for EAP', () => {
    holds({ arbitrary: eap, encode: encodeEap, decode: decodeEap, padding: true });
  });
  it('for ARP', () => {
    holds({ arbitrary: arp, encode: encodeArp, decode: decodeArp, padding: true });
  });
  it('for IPv4', () => {
    holds({ arbitrary: ip, encode: encodeIpv4, decode: decodeIpv4, padding: true });
  });
  it('for neighbour discovery', () => {
    holds({ arbitrary: nd, encode: encodeNd, decode: decodeNd, padding: true });
  });
  it('for DHCP', () => {
    holds({ arbitrary: dhcp, encode: encodeDhcp, decode: decodeDhcp, padding: true });
  });
  it('for DHCPv6', () => {
    holds({ arbitrary: dhcp6, encode: encodeDhcp6, decode: decodeDhcp6, padding: true });
  });
  it('for RADIUS', () => {
    holds({ arbitrary: radius, encode: radiusOctets, decode: decodeRadius, padding: true });
  });
  it('for an EAP-Message of any length in RADIUS', () => {
    fc.assert(
      fc.property(octets(4000), (value) => {
        const attributes = [{ type: EAP_MESSAGE, value }];
        const packet = { code: 1, identifier: 0, authenticator: new Uint8Array(16), attributes };
        const decoded = decodeRadius(radiusOctets(packet));
        expect(decoded.ok && eapMessage(decoded.value)).toEqual(value);
      }),
    );
  });
  it('for a hidden password that does not end in a zero octet', () => {
    fc.assert(
      fc.property(octets(128), octets(80), exactly(16), (password, secret, authenticator) => {
        fc.pre(password.at(-1) !== 0);
        const hidden = hideUserPassword(password, { secret, authenticator }) ?? new Uint8Array(0);
        expect(revealUserPassword(hidden, { secret, authenticator })).toEqual(password);
      }),
    );
  });
});

describe('a value that has no place in its octets is a mistake of the caller', () => {
  const frame = {
    destination: 'ff:ff:ff:ff:ff:ff',
    source: '02:00:00:00:00:01',
    payload: new Uint8Array(0),
  } as {
    destination: Mac;
    source: Mac;
    payload: Uint8Array;
  };
  it.each([
    ['a VLAN of 4095', () => encodeEthernet({ ...frame, vlan: 4095, etherType: 0x800 })],
    ['a VLAN of 1.5', () => encodeEthernet({ ...frame, vlan: 1.5, etherType: 0x800 })],
    ['an ether type of 1500', () => encodeEthernet({ ...frame, etherType: 1500 })],
    ['EAPOL of version 0', () => encodeEapol({ version: 0, type: 0, body: new Uint8Array(0) })],
    ['EAPOL of 65,536 octets', () => encodeEapol({ version: 1, type: 0, body: new Uint8Array(65_536) })],
    [
      'EAP of 65,536 octets',
      () => encodeEap({ code: 1, identifier: 0, type: 4, data: new Uint8Array(65_531) }),
    ],
    ['EAP-Success with data', () => encodeEap({ code: 3, identifier: 0, data: new Uint8Array(1) })],
    [
      'EAP-Success with a type',
      () => encodeEap({ code: 3, identifier: 0, type: 1, data: new Uint8Array(0) }),
    ],
    ['an EAP-Request without a type', () => encodeEap({ code: 1, identifier: 0, data: new Uint8Array(0) })],
    ['an EAP identifier of 256', () => encodeEap({ code: 3, identifier: 256, data: new Uint8Array(0) })],
  ])('%s', (_what, encode) => {
    expect(encode).toThrow(RangeError);
  });
});
