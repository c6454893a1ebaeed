// One table of all codecs, so that vectors, truncations, mutations and properties each are one test over it.
// Octets in the plain (JSON) form of a packet are texts that begin with "0x".

import { fromHex, toHex } from '../../src/base/bytes.ts';
import type { Decoded } from '../../src/base/result.ts';
import { ARP_REASONS, type ArpPacket, decodeArp, describeArp, encodeArp } from '../../src/wire/arp.ts';
import { DHCP_REASONS, type DhcpMessage, decodeDhcp, describeDhcp, encodeDhcp } from '../../src/wire/dhcp.ts';
import {
  DHCP6_REASONS,
  type Dhcp6Message,
  decodeDhcp6,
  describeDhcp6,
  encodeDhcp6,
} from '../../src/wire/dhcp6.ts';
import { decodeEap, describeEap, EAP_REASONS, type EapPacket, encodeEap } from '../../src/wire/eap.ts';
import {
  decodeEapol,
  describeEapol,
  EAPOL_REASONS,
  type EapolPdu,
  encodeEapol,
} from '../../src/wire/eapol.ts';
import {
  decodeEthernet,
  describeEthernet,
  ETHERNET_REASONS,
  type EthernetFrame,
  encodeEthernet,
} from '../../src/wire/ethernet.ts';
import { decodeIpv4, describeIpv4, encodeIpv4, IPV4_REASONS, type Ipv4Packet } from '../../src/wire/ipv4.ts';
import { decodeNd, describeNd, encodeNd, ND_REASONS, type NdMessage } from '../../src/wire/nd.ts';
import {
  decodeRadius,
  describeRadius,
  encodeRadius,
  RADIUS_REASONS,
  type RadiusPacket,
} from '../../src/wire/radius.ts';

/** A codec whose type is forgotten: packets go in and out as plain JSON values. */
export interface PlainCodec {
  readonly name: string;
  readonly reasons: readonly string[];
  /** The packet as a plain value. */
  decode(bytes: Uint8Array): Decoded<unknown>;
  encode(plain: unknown): Uint8Array;
  /** Decodes, and if that worked describes and encodes again: what a mutation is put through. */
  exercise(bytes: Uint8Array): {
    readonly reason?: string;
    readonly again?: Uint8Array;
    readonly line?: string;
  };
}

interface Codec<Packet> {
  readonly name: string;
  readonly reasons: readonly string[];
  readonly decode: (bytes: Uint8Array) => Decoded<Packet>;
  readonly encode: (packet: Packet) => Uint8Array;
  readonly describe: (packet: Packet) => string;
}

export function toPlain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, v: unknown) => (v instanceof Uint8Array ? `0x${toHex(v)}` : v)),
  );
}

export function fromPlain(plain: unknown): unknown {
  return JSON.parse(JSON.stringify(plain), (_key, v: unknown) =>
    typeof v === 'string' && v.startsWith('0x') ? fromHex(v.slice(2)) : v,
  );
}

function plainCodec<Packet>(codec: Codec<Packet>): PlainCodec {
  return {
    name: codec.name,
    reasons: codec.reasons,
    decode(bytes) {
      const decoded = codec.decode(bytes);
      return decoded.ok ? { ok: true, value: toPlain(decoded.value) } : decoded;
    },
    encode: (plain) => codec.encode(fromPlain(plain) as Packet),
    exercise(bytes) {
      const decoded = codec.decode(bytes);
      if (!decoded.ok) return { reason: decoded.error.reason };
      return { again: codec.encode(decoded.value), line: codec.describe(decoded.value) };
    },
  };
}

export const CODECS: readonly PlainCodec[] = [
  plainCodec<EthernetFrame>({
    name: 'ethernet',
    reasons: ETHERNET_REASONS,
    decode: decodeEthernet,
    encode: encodeEthernet,
    describe: describeEthernet,
  }),
  plainCodec<EapolPdu>({
    name: 'eapol',
    reasons: EAPOL_REASONS,
    decode: decodeEapol,
    encode: encodeEapol,
    describe: describeEapol,
  }),
  plainCodec<EapPacket>({
    name: 'eap',
    reasons: EAP_REASONS,
    decode: decodeEap,
    encode: encodeEap,
    describe: describeEap,
  }),
  plainCodec<RadiusPacket>({
    name: 'radius',
    reasons: RADIUS_REASONS,
    decode: decodeRadius,
    encode(packet) {
      const encoded = encodeRadius(packet);
      if (!encoded.ok) throw new RangeError(encoded.error.reason);
      return encoded.value;
    },
    describe: describeRadius,
  }),
  plainCodec<ArpPacket>({
    name: 'arp',
    reasons: ARP_REASONS,
    decode: decodeArp,
    encode: encodeArp,
    describe: describeArp,
  }),
  plainCodec<Ipv4Packet>({
    name: 'ipv4',
    reasons: IPV4_REASONS,
    decode: decodeIpv4,
    encode: encodeIpv4,
    describe: describeIpv4,
  }),
  plainCodec<NdMessage>({
    name: 'nd',
    reasons: ND_REASONS,
    decode: decodeNd,
    encode: encodeNd,
    describe: describeNd,
  }),
  plainCodec<DhcpMessage>({
    name: 'dhcp',
    reasons: DHCP_REASONS,
    decode: decodeDhcp,
    encode: encodeDhcp,
    describe: describeDhcp,
  }),
  plainCodec<Dhcp6Message>({
    name: 'dhcp6',
    reasons: DHCP6_REASONS,
    decode: decodeDhcp6,
    encode: encodeDhcp6,
    describe: describeDhcp6,
  }),
];
