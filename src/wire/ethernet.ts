// Ethernet II frames with at most one IEEE 802.1Q tag, as a capture hands them over and an injection takes them.
//
// Promise: no copy on decode, nothing thrown on decode. Limits: no frame check sequence (the capture has taken it
// off), a second tag stays in the payload behind its ether type, and 802.3 length frames (LLC: STP, CDP) are refused.
// A frame shorter than 60 octets is accepted and written as it is: padding is the driver's work, and whatever the
// payload's own protocol does not claim is padding.

import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { type Mac, readMac, writeMac } from '../base/mac.ts';
import { type Decoded, malformed, ok } from '../base/result.ts';

/** IEEE 802 numbers. Others are kept as they are. */
export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_VLAN = 0x8100;
export const ETHERTYPE_IPV6 = 0x86dd;
/** IEEE 802.1X-2020 §11.1.4: PAE Ethernet Type. */
export const ETHERTYPE_PAE = 0x888e;

const HEADER_LENGTH = 14;
const TAG_LENGTH = 4;
/** IEEE 802.3-2018 §3.2.6: values below are lengths, not types. */
const LOWEST_ETHERTYPE = 0x0600;
/** IEEE 802.1Q-2018 §9.6, Table 9-2: 0 names no VLAN, and 0xFFF is reserved and never on the wire. */
export const HIGHEST_VLAN_ID = 4094;
const VLAN_ID_MASK = 0x0fff;

export interface EthernetFrame {
  readonly destination: Mac;
  readonly source: Mac;
  /** 0..4094 if the frame has a tag; 0 is a priority tag. Priority and drop-eligibility bits are not kept. */
  readonly vlan?: number;
  /** 0x0600..0xFFFF: of what the payload is, never the tag's. */
  readonly etherType: number;
  /** With any padding. */
  readonly payload: Uint8Array;
}

export const ETHERNET_REASONS = ['short', 'vlan', 'ether-type'] as const;
export type EthernetReason = (typeof ETHERNET_REASONS)[number];

function refuse(reason: EthernetReason, detail: string) {
  return malformed(reason, detail);
}

/** What is wrong with the values, if anything: the same rule for both directions. */
export function validateEthernet(frame: EthernetFrame): EthernetReason | undefined {
  const { vlan, etherType } = frame;
  if (vlan !== undefined && !(Number.isInteger(vlan) && vlan >= 0 && vlan <= HIGHEST_VLAN_ID)) return 'vlan';
  if (!(Number.isInteger(etherType) && etherType >= LOWEST_ETHERTYPE && etherType <= 0xffff)) {
    return 'ether-type';
  }
  return undefined;
}

export function decodeEthernet(bytes: Uint8Array): Decoded<EthernetFrame> {
  const reader = new ByteReader(bytes);
  const destination = readMac(reader);
  const source = readMac(reader);
  let etherType = reader.u16();
  let vlan: number | undefined;
  if (etherType === ETHERTYPE_VLAN) {
    vlan = reader.u16() & VLAN_ID_MASK;
    etherType = reader.u16();
  }
  if (reader.failed) return refuse('short', `${bytes.length} octets hold no Ethernet header`);
  const addresses = { destination, source };
  const rest = { etherType, payload: reader.rest() };
  const frame = vlan === undefined ? { ...addresses, ...rest } : { ...addresses, vlan, ...rest };
  const fault = validateEthernet(frame);
  if (fault !== undefined) return refuse(fault, `VLAN ${vlan ?? 'none'}, type or length ${etherType}`);
  return ok(frame);
}

/** Throws RangeError if `validateEthernet` finds fault: a mistake of the caller, not of the wire. */
export function encodeEthernet(frame: EthernetFrame): Uint8Array {
  const fault = validateEthernet(frame);
  if (fault !== undefined) throw new RangeError(`Ethernet frame with a bad ${fault}`);
  const header = frame.vlan === undefined ? HEADER_LENGTH : HEADER_LENGTH + TAG_LENGTH;
  const writer = new ByteWriter(header + frame.payload.length);
  writeMac(writer, frame.destination);
  writeMac(writer, frame.source);
  if (frame.vlan !== undefined) writer.u16(ETHERTYPE_VLAN).u16(frame.vlan);
  return writer.u16(frame.etherType).bytes(frame.payload).finish();
}

const ETHERTYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [ETHERTYPE_IPV4, 'IPv4'],
  [ETHERTYPE_ARP, 'ARP'],
  [ETHERTYPE_VLAN, '802.1Q'],
  [ETHERTYPE_IPV6, 'IPv6'],
  [ETHERTYPE_PAE, 'EAPOL'],
]);

export function describeEthernet(frame: EthernetFrame): string {
  const type =
    ETHERTYPE_NAMES.get(frame.etherType) ?? `type 0x${frame.etherType.toString(16).padStart(4, '0')}`;
  const vlan = frame.vlan === undefined ? '' : ` vlan ${frame.vlan}`;
  return `${frame.source} > ${frame.destination}${vlan} ${type}, ${frame.payload.length} octets`;
}
