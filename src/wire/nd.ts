// IPv6 Neighbour Discovery (RFC 4861 §4) in its IPv6 header, payload of ether type 0x86DD: neighbour solicitations and
// advertisements, and router solicitations as a sign of life.
//
// Everything that RFC 4861 §6.1.1, §7.1.1 and §7.1.2 have a receiver check is checked, hop limit 255 and checksum
// first of all: who is not on the link cannot pass. Of the options only the link-layer address is read (§4.6.1).
// Limits: no IPv6 extension headers (RFC 6980 forbids fragments; nobody sends the others), other ICMPv6 is refused.

import { ByteReader, ByteWriter, concatBytes } from '../base/bytes.ts';
import { type Ipv6, ipv6FromBytes, ipv6ToBytes, isMulticast } from '../base/ip.ts';
import { type Mac, macFromBytes, writeMac } from '../base/mac.ts';
import { assertNever, type Decoded, malformed, ok } from '../base/result.ts';
import { checksumAdd, checksumFinish, pseudoHeaderSum } from './internet-checksum.ts';

/** RFC 4861 §4: ICMPv6 types. */
export const ND_ROUTER_SOLICITATION = 133;
export const ND_NEIGHBOR_SOLICITATION = 135;
export const ND_NEIGHBOR_ADVERTISEMENT = 136;

const IP_HEADER_LENGTH = 40;
const NEXT_HEADER_ICMPV6 = 58;
const HOP_LIMIT = 255;
const CHECKSUM_AT = 2;
/** RFC 4861 §4.6.1: source (1) and target (2) link-layer address, one unit of eight octets for Ethernet. */
const OPTION_SLLAO = 1;
const OPTION_TLLAO = 2;
const OPTION_UNIT = 8;
/** RFC 4861 §4.4. */
const FLAG_ROUTER = 0x80;
const FLAG_SOLICITED = 0x40;
const FLAG_OVERRIDE = 0x20;
/** RFC 4291 §2.7.1. */
const SOLICITED_NODE_PREFIX = /^ff02::1:ff[0-9a-f]{2}:[0-9a-f]{1,4}$/;

export const UNSPECIFIED_IPV6 = '::' as Ipv6;

interface NdAddresses {
  /** Of the IPv6 header. */
  readonly source: Ipv6;
  readonly destination: Ipv6;
  /** The source's (solicitations) or the target's (advertisements) link-layer address option, if there is one. */
  readonly linkLayer?: Mac;
}

export interface NeighborSolicitation extends NdAddresses {
  readonly type: typeof ND_NEIGHBOR_SOLICITATION;
  readonly target: Ipv6;
}

export interface NeighborAdvertisement extends NdAddresses {
  readonly type: typeof ND_NEIGHBOR_ADVERTISEMENT;
  readonly target: Ipv6;
  readonly router: boolean;
  readonly solicited: boolean;
  readonly override: boolean;
}

export interface RouterSolicitation extends NdAddresses {
  readonly type: typeof ND_ROUTER_SOLICITATION;
}

export type NdMessage = NeighborSolicitation | NeighborAdvertisement | RouterSolicitation;

export const ND_REASONS = [
  'short',
  'version',
  'length',
  'next-header',
  'hop-limit',
  'checksum',
  'type',
  'code',
  'option',
  'target',
  'source',
  'solicited',
] as const;
export type NdReason = (typeof ND_REASONS)[number];

function refuse(reason: NdReason, detail: string) {
  return malformed(reason, detail);
}

/** RFC 4861 §6.1.1, §7.1.1, §7.1.2, as far as it is about values: the same rule for both directions. */
export function validateNd(message: NdMessage): NdReason | undefined {
  if (message.source === UNSPECIFIED_IPV6 && message.type !== ND_NEIGHBOR_ADVERTISEMENT) {
    if (message.linkLayer !== undefined) return 'source';
    const toNode = SOLICITED_NODE_PREFIX.test(message.destination);
    if (message.type === ND_NEIGHBOR_SOLICITATION && !toNode) return 'source';
  }
  if (message.type === ND_ROUTER_SOLICITATION) return undefined;
  if (isMulticast(message.target)) return 'target';
  if (message.type === ND_NEIGHBOR_ADVERTISEMENT && message.solicited && isMulticast(message.destination)) {
    return 'solicited';
  }
  return undefined;
}

/** The link-layer address option of this type, if any; undefined where an option does not fit. */
function readOptions(reader: ByteReader, wanted: number): { readonly linkLayer?: Mac } | undefined {
  let linkLayer: Mac | undefined;
  while (reader.remaining > 0) {
    const type = reader.u8();
    const units = reader.u8();
    const body = reader.bytes(units * OPTION_UNIT - 2);
    if (units === 0 || reader.failed) return undefined;
    if (type === wanted && units === 1) linkLayer ??= macFromBytes(body);
  }
  return linkLayer === undefined ? {} : { linkLayer };
}

/** `bytes` begin with the IPv6 header; what follows its Payload Length is padding. */
export function decodeNd(bytes: Uint8Array): Decoded<NdMessage> {
  const header = new ByteReader(bytes);
  const version = header.u32() >>> 28;
  const length = header.u16();
  const nextHeader = header.u8();
  const hopLimit = header.u8();
  const addresses = header.bytes(32);
  if (header.failed) return refuse('short', `${bytes.length} octets hold no IPv6 header`);
  if (version !== 6) return refuse('version', `version ${version}`);
  if (nextHeader !== NEXT_HEADER_ICMPV6) return refuse('next-header', `next header ${nextHeader}`);
  if (length > header.remaining) return refuse('length', `length ${length}, ${header.remaining} there`);
  if (hopLimit !== HOP_LIMIT) return refuse('hop-limit', `hop limit ${hopLimit}: from beyond the link`);
  const icmp = header.bytes(length);
  if (checksumFinish(checksumAdd(pseudoHeaderSum(addresses, NEXT_HEADER_ICMPV6, length), icmp)) !== 0) {
    return refuse('checksum', 'ICMPv6 checksum is wrong');
  }
  const ends = { source: ipv6FromBytes(addresses), destination: ipv6FromBytes(addresses, 16) };
  const decoded = decodeIcmp(icmp, ends);
  if (!decoded.ok) return decoded;
  const fault = validateNd(decoded.value);
  return fault === undefined ? decoded : refuse(fault, `${ends.source} to ${ends.destination}`);
}

function decodeIcmp(
  icmp: Uint8Array,
  ends: { readonly source: Ipv6; readonly destination: Ipv6 },
): Decoded<NdMessage> {
  const reader = new ByteReader(icmp);
  const type = reader.u8();
  const code = reader.u8();
  reader.skip(2);
  const flags = reader.u8();
  reader.skip(3);
  if (reader.failed) return refuse('length', `${icmp.length} octets hold no ICMPv6 header`);
  const wanted = type === ND_NEIGHBOR_ADVERTISEMENT ? OPTION_TLLAO : OPTION_SLLAO;
  if (type === ND_ROUTER_SOLICITATION) {
    const options = readOptions(reader, wanted);
    if (options === undefined) return refuse('option', 'an option does not fit');
    return code === 0 ? ok({ type, ...ends, ...options }) : refuse('code', `code ${code}`);
  }
  if (type !== ND_NEIGHBOR_SOLICITATION && type !== ND_NEIGHBOR_ADVERTISEMENT) {
    return refuse('type', `ICMPv6 type ${type}`);
  }
  const targetOctets = reader.bytes(16);
  if (reader.failed) return refuse('length', `${icmp.length} octets hold no target`);
  if (code !== 0) return refuse('code', `code ${code}`);
  const target = ipv6FromBytes(targetOctets);
  const options = readOptions(reader, wanted);
  if (options === undefined) return refuse('option', 'an option does not fit');
  if (type === ND_NEIGHBOR_SOLICITATION) return ok({ type, ...ends, target, ...options });
  const router = (flags & FLAG_ROUTER) !== 0;
  const solicited = (flags & FLAG_SOLICITED) !== 0;
  const override = (flags & FLAG_OVERRIDE) !== 0;
  return ok({ type, ...ends, target, router, solicited, override, ...options });
}

/** With hop limit 255 and the checksum. Throws RangeError if `validateNd` finds fault: a mistake of the caller. */
export function encodeNd(message: NdMessage): Uint8Array {
  const fault = validateNd(message);
  if (fault !== undefined) throw new RangeError(`neighbour discovery with a bad ${fault}`);
  const icmp = new ByteWriter(32).u8(message.type).u8(0).u16(0);
  switch (message.type) {
    case ND_ROUTER_SOLICITATION:
      icmp.u32(0);
      break;
    case ND_NEIGHBOR_SOLICITATION:
      icmp.u32(0).bytes(ipv6ToBytes(message.target));
      break;
    case ND_NEIGHBOR_ADVERTISEMENT:
      icmp.u8(flagsOf(message)).zeroes(3).bytes(ipv6ToBytes(message.target));
      break;
    default:
      assertNever(message);
  }
  if (message.linkLayer !== undefined) {
    icmp.u8(message.type === ND_NEIGHBOR_ADVERTISEMENT ? OPTION_TLLAO : OPTION_SLLAO).u8(1);
    writeMac(icmp, message.linkLayer);
  }
  const addresses = concatBytes([ipv6ToBytes(message.source), ipv6ToBytes(message.destination)]);
  const sum = checksumAdd(pseudoHeaderSum(addresses, NEXT_HEADER_ICMPV6, icmp.length), icmp.written());
  const payload = icmp.patchU16(CHECKSUM_AT, checksumFinish(sum)).finish();
  const ip = new ByteWriter(IP_HEADER_LENGTH + payload.length).u32(0x60000000).u16(payload.length);
  return ip.u8(NEXT_HEADER_ICMPV6).u8(HOP_LIMIT).bytes(addresses).bytes(payload).finish();
}

function flagsOf(message: NeighborAdvertisement): number {
  const router = message.router ? FLAG_ROUTER : 0;
  const solicited = message.solicited ? FLAG_SOLICITED : 0;
  return router | solicited | (message.override ? FLAG_OVERRIDE : 0);
}

/** RFC 4862 §5.4: a solicitation from nobody asks whether its target is free. Not proof of who owns it. */
export function isDuplicateAddressDetection(message: NdMessage): boolean {
  return message.type === ND_NEIGHBOR_SOLICITATION && message.source === UNSPECIFIED_IPV6;
}

/** RFC 4291 §2.7.1: the group that a host joins for each of its addresses. */
export function solicitedNodeAddress(ip: Ipv6): Ipv6 {
  const group = new Uint8Array(16);
  group.set([0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff]);
  group.set(ipv6ToBytes(ip).subarray(13), 13);
  return ipv6FromBytes(group);
}

/** RFC 2464 §7: 33:33 and the last four octets of a multicast address. */
export function multicastMac(ip: Ipv6): Mac {
  return macFromBytes(concatBytes([Uint8Array.of(0x33, 0x33), ipv6ToBytes(ip).subarray(12)]));
}

export interface SolicitationAddresses {
  readonly sourceIp: Ipv6;
  /** The MAC that belongs to `sourceIp`: it goes into the option, and so into the client's neighbour cache. */
  readonly sourceMac: Mac;
  readonly targetIp: Ipv6;
  /** The target itself unless given. */
  readonly destinationIp?: Ipv6;
}

/** The probe: a solicitation (RFC 4861 §7.2.2), unicast to the target itself, or to its group. An IPv6 packet, no frame. */
export function buildNeighborSolicitation(addresses: SolicitationAddresses): Uint8Array {
  const { sourceIp, sourceMac, targetIp, destinationIp = targetIp } = addresses;
  return encodeNd({
    type: ND_NEIGHBOR_SOLICITATION,
    source: sourceIp,
    destination: destinationIp,
    target: targetIp,
    linkLayer: sourceMac,
  });
}

export function describeNd(message: NdMessage): string {
  const at = message.linkLayer === undefined ? '' : ` at ${message.linkLayer}`;
  switch (message.type) {
    case ND_ROUTER_SOLICITATION:
      return `ND router solicitation from ${message.source}${at}`;
    case ND_NEIGHBOR_SOLICITATION:
      return isDuplicateAddressDetection(message)
        ? `ND is ${message.target} free?`
        : `ND who has ${message.target}? tell ${message.source}${at}`;
    case ND_NEIGHBOR_ADVERTISEMENT:
      return `ND ${message.target} is${at || ' there'}, told to ${message.destination}`;
    default:
      return assertNever(message);
  }
}
