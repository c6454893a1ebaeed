// ARP for Ethernet and IPv4 (RFC 826), payload of ether type 0x0806, and what RFC 5227 calls its special shapes.
// Other hardware or protocol types are refused; opcodes other than request and reply are kept as numbers.

import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { type Ipv4, readIpv4, writeIpv4 } from '../base/ip.ts';
import { type Mac, readMac, writeMac, ZERO_ADDRESS } from '../base/mac.ts';
import { type Decoded, malformed, ok } from '../base/result.ts';

export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;

const HARDWARE_ETHERNET = 1;
const PROTOCOL_IPV4 = 0x0800;
const MAC_LENGTH = 6;
const IPV4_LENGTH = 4;
const PACKET_LENGTH = 28;
const UNSPECIFIED = '0.0.0.0' as Ipv4;

export interface ArpPacket {
  /** 0..65535. */
  readonly operation: number;
  readonly senderMac: Mac;
  readonly senderIp: Ipv4;
  readonly targetMac: Mac;
  readonly targetIp: Ipv4;
}

export const ARP_REASONS = ['short', 'hardware', 'protocol', 'address-length', 'operation'] as const;
export type ArpReason = (typeof ARP_REASONS)[number];

function refuse(reason: ArpReason, detail: string) {
  return malformed(reason, detail);
}

/** What is wrong with the values, if anything. Octets of an opcode are never wrong, a number may be. */
export function validateArp(packet: ArpPacket): ArpReason | undefined {
  const { operation } = packet;
  return Number.isInteger(operation) && operation >= 0 && operation <= 0xffff ? undefined : 'operation';
}

/** Octets behind the packet are padding. */
export function decodeArp(bytes: Uint8Array): Decoded<ArpPacket> {
  const reader = new ByteReader(bytes);
  const hardware = reader.u16();
  const protocol = reader.u16();
  const macLength = reader.u8();
  const ipLength = reader.u8();
  const operation = reader.u16();
  if (reader.failed) return refuse('short', `${bytes.length} octets hold no ARP header`);
  if (hardware !== HARDWARE_ETHERNET) return refuse('hardware', `hardware type ${hardware}`);
  if (protocol !== PROTOCOL_IPV4) return refuse('protocol', `protocol type ${protocol}`);
  if (macLength !== MAC_LENGTH || ipLength !== IPV4_LENGTH) {
    return refuse('address-length', `addresses of ${macLength} and ${ipLength} octets`);
  }
  const senderMac = readMac(reader);
  const senderIp = readIpv4(reader);
  const targetMac = readMac(reader);
  const targetIp = readIpv4(reader);
  if (reader.failed) return refuse('short', `${bytes.length} octets hold no four addresses`);
  return ok({ operation, senderMac, senderIp, targetMac, targetIp });
}

/** Throws RangeError if `validateArp` finds fault: a mistake of the caller, not of the wire. */
export function encodeArp(packet: ArpPacket): Uint8Array {
  const fault = validateArp(packet);
  if (fault !== undefined) throw new RangeError(`ARP packet with a bad ${fault}`);
  const writer = new ByteWriter(PACKET_LENGTH);
  writer.u16(HARDWARE_ETHERNET).u16(PROTOCOL_IPV4).u8(MAC_LENGTH).u8(IPV4_LENGTH).u16(packet.operation);
  writeMac(writer, packet.senderMac);
  writeIpv4(writer, packet.senderIp);
  writeMac(writer, packet.targetMac);
  writeIpv4(writer, packet.targetIp);
  return writer.finish();
}

/** RFC 5227 §1.1: a request from nobody, asking whether an address is free. Not proof of who owns it. */
export function isArpProbe(packet: ArpPacket): boolean {
  return (
    packet.operation === ARP_REQUEST && packet.senderIp === UNSPECIFIED && packet.targetIp !== UNSPECIFIED
  );
}

/** RFC 5227 §1.1, §3: sender and target are the same; a reply of that shape says the same. */
export function isArpAnnouncement(packet: ArpPacket): boolean {
  return packet.senderIp === packet.targetIp && packet.senderIp !== UNSPECIFIED;
}

export interface ArpAddresses {
  readonly senderMac: Mac;
  readonly senderIp: Ipv4;
  readonly targetMac?: Mac;
  readonly targetIp: Ipv4;
}

/** "Who has targetIp?" An unknown target MAC is written as zeroes, as hosts do. */
export function buildArpRequest(addresses: ArpAddresses): Uint8Array {
  const { senderMac, senderIp, targetMac = ZERO_ADDRESS, targetIp } = addresses;
  return encodeArp({ operation: ARP_REQUEST, senderMac, senderIp, targetMac, targetIp });
}

/** "senderIp is at senderMac", said to the target. */
export function buildArpReply(addresses: ArpAddresses & { readonly targetMac: Mac }): Uint8Array {
  return encodeArp({ operation: ARP_REPLY, ...addresses });
}

export function describeArp(packet: ArpPacket): string {
  const { operation, senderMac, senderIp, targetMac, targetIp } = packet;
  if (isArpProbe(packet)) return `ARP probe for ${targetIp} by ${senderMac}`;
  if (isArpAnnouncement(packet)) return `ARP announcement: ${senderIp} is at ${senderMac}`;
  if (operation === ARP_REQUEST) return `ARP who has ${targetIp}? tell ${senderIp} at ${senderMac}`;
  if (operation === ARP_REPLY)
    return `ARP ${senderIp} is at ${senderMac}, told to ${targetIp} at ${targetMac}`;
  return `ARP operation ${operation} from ${senderIp} at ${senderMac}`;
}
