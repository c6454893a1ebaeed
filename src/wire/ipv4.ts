// IPv4 headers (RFC 791 §3.1), as much as a DHCP watch and a look at a source address need.
// Options are skipped. A wrong header checksum is refused, unless it is zero: a sender on this host that leaves it to
// the hardware is captured so. `fragment` says that the payload is one piece of several: nothing is put together.

import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { type Ipv4, ipv4FromBytes, ipv4ToBytes } from '../base/ip.ts';
import { type Decoded, malformed, ok } from '../base/result.ts';
import { checksumAdd, checksumFinish } from './internet-checksum.ts';

export const PROTOCOL_UDP = 17;

const HEADER_LENGTH = 20;
const VERSION_4 = 4;
/** RFC 791 §3.1: more-fragments flag and fragment offset. */
const FRAGMENT_MASK = 0x3fff;
const MORE_FRAGMENTS = 0x2000;
const CHECKSUM_AT = 10;

export interface Ipv4Packet {
  readonly source: Ipv4;
  readonly destination: Ipv4;
  /** 0..255. */
  readonly protocol: number;
  readonly ttl: number;
  /** True if the payload is one piece of several. */
  readonly fragment: boolean;
  /** Without Ethernet padding. */
  readonly payload: Uint8Array;
}

export const IPV4_REASONS = ['short', 'version', 'header-length', 'length', 'checksum', 'octet'] as const;
export type Ipv4Reason = (typeof IPV4_REASONS)[number];

function refuse(reason: Ipv4Reason, detail: string) {
  return malformed(reason, detail);
}

export function decodeIpv4(bytes: Uint8Array): Decoded<Ipv4Packet> {
  const reader = new ByteReader(bytes);
  const first = reader.u8();
  reader.skip(1);
  const totalLength = reader.u16();
  reader.skip(2);
  const fragment = (reader.u16() & FRAGMENT_MASK) !== 0;
  const ttl = reader.u8();
  const protocol = reader.u8();
  const checksum = reader.u16();
  const addresses = reader.bytes(8);
  if (reader.failed) return refuse('short', `${bytes.length} octets hold no IPv4 header`);
  if (first >>> 4 !== VERSION_4) return refuse('version', `version ${first >>> 4}`);
  const headerLength = (first & 0x0f) * 4;
  if (headerLength < HEADER_LENGTH || headerLength > totalLength) {
    return refuse('header-length', `header of ${headerLength} in ${totalLength} octets`);
  }
  if (totalLength > bytes.length) return refuse('length', `length ${totalLength} in ${bytes.length} octets`);
  if (checksum !== 0 && checksumFinish(checksumAdd(0, bytes.subarray(0, headerLength))) !== 0) {
    return refuse('checksum', 'header checksum is wrong');
  }
  const payload = bytes.subarray(headerLength, totalLength);
  return ok({
    source: ipv4FromBytes(addresses),
    destination: ipv4FromBytes(addresses, 4),
    protocol,
    ttl,
    fragment,
    payload,
  });
}

/** What is wrong with the values, if anything. */
export function validateIpv4(packet: Ipv4Packet): Ipv4Reason | undefined {
  const octet = (value: number) => Number.isInteger(value) && value >= 0 && value <= 0xff;
  if (HEADER_LENGTH + packet.payload.length > 0xffff) return 'length';
  return octet(packet.protocol) && octet(packet.ttl) ? undefined : 'octet';
}

/** Without options; a fragment as the first of several. Throws RangeError if `validateIpv4` finds fault. */
export function encodeIpv4(packet: Ipv4Packet): Uint8Array {
  const fault = validateIpv4(packet);
  if (fault !== undefined) throw new RangeError(`IPv4 packet with a bad ${fault}`);
  const { protocol, ttl, payload } = packet;
  const header = new ByteWriter(HEADER_LENGTH)
    .u8(0x45)
    .u8(0)
    .u16(HEADER_LENGTH + payload.length);
  header.u16(0).u16(packet.fragment ? MORE_FRAGMENTS : 0);
  header.u8(ttl).u8(protocol).u16(0).bytes(ipv4ToBytes(packet.source)).bytes(ipv4ToBytes(packet.destination));
  header.patchU16(CHECKSUM_AT, checksumFinish(checksumAdd(0, header.written())));
  return header.bytes(payload).finish();
}

export function describeIpv4(packet: Ipv4Packet): string {
  const piece = packet.fragment ? ' fragment' : '';
  return `IPv4 ${packet.source} > ${packet.destination} protocol ${packet.protocol}${piece}, ${packet.payload.length} octets`;
}
