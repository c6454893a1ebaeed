// RADIUS attributes: what a packet says, read by name and type, and the making of attributes to send.
//
// Attributes of a packet are raw `{type, value}`; an accessor looks at the octets only when asked, and yields
// `undefined` for one that is absent or has the wrong length, never an exception. Where a standard allows one
// instance the first counts. Texts from the wire are hostile: escape them before printing.

import { ByteReader, ByteWriter, concatBytes, fromUtf8, utf8 } from '../base/bytes.ts';
import { type Ip, ipFromBytes, ipToBytes } from '../base/ip.ts';
import type { WallTime } from '../base/time.ts';
import {
  type AttributeName,
  type AttributeRef,
  attributeNumber,
  enumNumber,
  NO_ATTRIBUTE,
} from './radius-dictionary.ts';

export interface RadiusAttribute {
  /** 1..255. */
  readonly type: number;
  /** Octets behind Length: at most 253 on the wire, where only EAP-Message may be longer (it is split). */
  readonly value: Uint8Array;
}

/**
 * One that is to be sent: octets, or a text or a number that becomes octets only in the packet. A request has twenty of
 * them and lives until it is answered, and a small array of octets takes ten times the memory of what is in it.
 */
export type OutgoingAttribute =
  | RadiusAttribute
  | { readonly type: number; readonly text: string }
  /** Four octets on the wire. */
  | { readonly type: number; readonly number: number };

/** Whatever has attributes: a packet, or a list that is about to become one. */
export interface Attributed {
  readonly attributes: readonly OutgoingAttribute[];
}

export function octetsOf(attribute: OutgoingAttribute): Uint8Array {
  if ('value' in attribute) return attribute.value;
  if ('text' in attribute) return utf8(attribute.text);
  return new ByteWriter(4).u32(attribute.number).finish();
}

/** RFC 2868 §3.1: a Tag field is 0x00 (unused) to 0x1F. */
const HIGHEST_TAG = 0x1f;

// Reading

export function attributesAll(packet: Attributed, ref: AttributeRef): readonly Uint8Array[] {
  const type = attributeNumber(ref);
  return packet.attributes.filter((attribute) => attribute.type === type).map(octetsOf);
}

export function attributeOctets(packet: Attributed, ref: AttributeRef): Uint8Array | undefined {
  const type = attributeNumber(ref);
  const found = packet.attributes.find((attribute) => attribute.type === type);
  return found === undefined ? undefined : octetsOf(found);
}

export function hasAttribute(packet: Attributed, ref: AttributeRef): boolean {
  return attributeOctets(packet, ref) !== undefined;
}

/** Malformed UTF-8 becomes U+FFFD. */
export function attributeText(packet: Attributed, ref: AttributeRef): string | undefined {
  const value = attributeOctets(packet, ref);
  return value === undefined ? undefined : fromUtf8(value);
}

function u32Of(value: Uint8Array | undefined): number | undefined {
  return value?.length === 4 ? new ByteReader(value).u32() : undefined;
}

/** 0..2^32-1, of an attribute of exactly four octets. */
export function attributeU32(packet: Attributed, ref: AttributeRef): number | undefined {
  return u32Of(attributeOctets(packet, ref));
}

/** Seconds since 1970 (RFC 2869 §5.3) as wall time. */
export function attributeDate(packet: Attributed, ref: AttributeRef): WallTime | undefined {
  const value = attributeU32(packet, ref);
  return value === undefined ? undefined : ((value * 1000) as WallTime);
}

/** An address of four or sixteen octets. */
export function attributeIp(packet: Attributed, ref: AttributeRef): Ip | undefined {
  const value = attributeOctets(packet, ref);
  return value === undefined ? undefined : ipFromBytes(value);
}

/** All EAP-Message attributes put together, in order (RFC 3579 §3.1). Empty octets: EAP-Start (§2.1). */
export function eapMessage(packet: Attributed): Uint8Array | undefined {
  const parts = attributesAll(packet, 'EAP-Message');
  return parts.length > 1 ? concatBytes(parts) : parts[0];
}

export interface Tagged {
  /** 1..31; 0 = untagged. */
  readonly tag: number;
  readonly value: Uint8Array;
}

/**
 * All of one Tunnel attribute (RFC 2868 §3) without their tags. An integer has the tag as its first octet always,
 * a text only if that octet is at most 0x1F.
 */
export function tunnelAttributes(packet: Attributed, ref: AttributeRef): readonly Tagged[] {
  return attributesAll(packet, ref).flatMap((octets) => {
    const first = octets[0];
    if (first === undefined) return [];
    return first <= HIGHEST_TAG ? [{ tag: first, value: octets.subarray(1) }] : [{ tag: 0, value: octets }];
  });
}

export function tunnelAttribute(packet: Attributed, ref: AttributeRef, tag: number): Uint8Array | undefined {
  return tunnelAttributes(packet, ref).find((tagged) => tagged.tag === tag)?.value;
}

function tunnelInteger(packet: Attributed, ref: AttributeRef, tag: number): number | undefined {
  const value = tunnelAttribute(packet, ref, tag);
  return value?.length === 3 ? ((value[0] ?? 0) << 16) | ((value[1] ?? 0) << 8) | (value[2] ?? 0) : undefined;
}

/** RFC 3580 §3.31. */
const TUNNEL_TYPE_VLAN = 13;
const TUNNEL_MEDIUM_802 = 6;

/**
 * The VLAN that an Access-Accept assigns, as the server wrote it (an id in digits, or a name): the first
 * Tunnel-Private-Group-ID whose own tag also has Tunnel-Type VLAN and Tunnel-Medium-Type 802 (RFC 3580 §3.31).
 */
export function tunnelVlan(packet: Attributed): string | undefined {
  const group = tunnelAttributes(packet, 'Tunnel-Private-Group-Id').find(
    ({ tag }) =>
      tunnelInteger(packet, 'Tunnel-Type', tag) === TUNNEL_TYPE_VLAN &&
      tunnelInteger(packet, 'Tunnel-Medium-Type', tag) === TUNNEL_MEDIUM_802,
  );
  return group === undefined ? undefined : fromUtf8(group.value);
}

export interface EgressVlan {
  readonly tagged: boolean;
  /** An id in digits, or a name, as the server wrote it; empty = it makes no sense. */
  readonly vlan: string;
}

/** RFC 4675 §2.1 and §2.3: the first octet says tagged or untagged, in ASCII. */
const EGRESS_TAGGED = 0x31;
const EGRESS_UNTAGGED = 0x32;

/** Egress-VLANID (RFC 4675 §2.1) and Egress-VLAN-Name (§2.3), ids first. */
export function egressVlans(packet: Attributed): readonly EgressVlan[] {
  const read = (value: Uint8Array, vlan: string): EgressVlan => {
    const known = value[0] === EGRESS_TAGGED || value[0] === EGRESS_UNTAGGED;
    return { tagged: value[0] === EGRESS_TAGGED, vlan: known ? vlan : '' };
  };
  return [
    ...attributesAll(packet, 'Egress-VLANID').map((value) =>
      read(value, value.length === 4 ? String((((value[2] ?? 0) & 0x0f) << 8) | (value[3] ?? 0)) : ''),
    ),
    ...attributesAll(packet, 'Egress-VLAN-Name').map((value) => read(value, fromUtf8(value.subarray(1)))),
  ];
}

/** RFC 4849 §2: the text of all attributes is one, and a NUL ends each rule. */
export function filterRules(packet: Attributed): readonly string[] {
  const parts = attributesAll(packet, 'NAS-Filter-Rule');
  return fromUtf8(concatBytes(parts))
    .split('\u0000')
    .filter((rule) => rule !== '');
}

/** A Vendor-Specific in the form that RFC 2865 §5.26 recommends. */
export interface VendorSpecific {
  /** IANA private enterprise number. */
  readonly vendor: number;
  /** Up to the first that does not fit. */
  readonly attributes: readonly RadiusAttribute[];
  /** False: it is of another form, or ends too early. */
  readonly isWhole: boolean;
}

export function vendorSpecific(value: Uint8Array): VendorSpecific {
  const reader = new ByteReader(value);
  const vendor = reader.u32();
  const attributes: RadiusAttribute[] = [];
  while (reader.remaining > 0) {
    const type = reader.u8();
    const length = reader.u8();
    const octets = reader.bytes(length - 2);
    if (!reader.failed) attributes.push({ type, value: octets });
  }
  return { vendor, attributes, isWhole: !reader.failed };
}

/** The sub-attributes of one vendor (IANA private enterprise number), in their order. */
export function vendorAttributes(packet: Attributed, vendorId: number): readonly RadiusAttribute[] {
  return attributesAll(packet, 'Vendor-Specific')
    .map(vendorSpecific)
    .flatMap(({ vendor, attributes }) => (vendor === vendorId ? attributes : []));
}

// Making. Texts, numbers and addresses are laid out here and not by the package: it takes 3 to 6 microseconds for what
// is four octets (one Accounting-Stop: 116 with it, 20 without). Labels stay its business, and take it 80: whatever is
// sent with every request is a number.

/** RFC 2865 §5.41. */
export const NAS_PORT_TYPE_ETHERNET = 15;
export const NAS_PORT_TYPE_VIRTUAL = 5;

export function octets(ref: AttributeRef, value: Uint8Array): RadiusAttribute {
  return { type: attributeNumber(ref), value };
}

/** An empty text is left out by the encoder (RFC 2865 §5); one over 253 octets is refused there. */
export function text(name: AttributeName, value: string): OutgoingAttribute {
  return { type: attributeNumber(name), text: value };
}

/** A number modulo 2^32, or the dictionary's label of one: u32('NAS-Port-Type', 'Ethernet'). */
export function u32(name: AttributeName, value: number | string): OutgoingAttribute {
  const number = typeof value === 'string' ? enumNumber(name, value) : value >>> 0;
  if (number === undefined) return { type: NO_ATTRIBUTE, value: new Uint8Array(0) };
  return { type: attributeNumber(name), number };
}

/** RFC 2869 §5.3: whole seconds. */
export function date(name: AttributeName, wall: WallTime): OutgoingAttribute {
  return u32(name, Math.floor(wall / 1000));
}

export function ip(name: AttributeName, address: Ip): RadiusAttribute {
  return octets(name, ipToBytes(address));
}

/** A Tunnel attribute with a tag of 0..31; a number takes three octets (RFC 2868 §3.1). */
export function tunnel(name: AttributeName, tag: number, value: number | string): RadiusAttribute {
  const writer = new ByteWriter().u8(tag & HIGHEST_TAG);
  if (typeof value === 'string') writer.bytes(utf8(value));
  else writer.u8(value >>> 16).u16(value & 0xffff);
  return octets(name, writer.finish());
}

/** One sub-attribute in a Vendor-Specific of its own (RFC 2865 §5.26). */
export function vendor(vendorId: number, type: number, value: Uint8Array): RadiusAttribute {
  const writer = new ByteWriter(6 + value.length)
    .u32(vendorId)
    .u8(type)
    .u8(2 + value.length);
  return octets('Vendor-Specific', writer.bytes(value).finish());
}
