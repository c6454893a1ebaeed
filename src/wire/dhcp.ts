// DHCPv4 (RFC 2131 §2, RFC 2132) in its IPv4 and UDP headers, payload of ether type 0x0800: who claims which address,
// and for how long. A watcher's view: names, boot files and all options but those below are skipped.
//
// Checksums: verified where there is one. Accepted without: zero (RFC 768), and a UDP checksum that holds only the sum of
// the pseudo-header, as a sender on this host leaves it for hardware that a veth does not have.
// Options continue in `file` and `sname` if option 52 says so (RFC 2132 §9.3). The first of several equal options counts.

import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { type Ipv4, ipv4FromBytes, ipv4ToBytes } from '../base/ip.ts';
import { type Mac, macFromBytes, writeMac } from '../base/mac.ts';
import { type Decoded, malformed, ok } from '../base/result.ts';
import { checksumAdd, checksumFinish, pseudoHeaderSum } from './internet-checksum.ts';
import { decodeIpv4, encodeIpv4, IPV4_REASONS, PROTOCOL_UDP } from './ipv4.ts';

/** RFC 2131 §2: `op`. */
export const BOOTREQUEST = 1;
export const BOOTREPLY = 2;

/** RFC 2132 §9.6. Others are kept as numbers. */
export const DHCPDISCOVER = 1;
export const DHCPOFFER = 2;
export const DHCPREQUEST = 3;
export const DHCPDECLINE = 4;
export const DHCPACK = 5;
export const DHCPNAK = 6;
export const DHCPRELEASE = 7;
export const DHCPINFORM = 8;

/** RFC 2131 §3.3: a lease time that means for ever. */
export const INFINITE_LEASE_S = 0xffffffff;

const PORT_SERVER = 67;
const PORT_CLIENT = 68;
const UDP_HEADER_LENGTH = 8;
const HARDWARE_ETHERNET = 1;
const MAC_LENGTH = 6;
const MAGIC_COOKIE = 0x63825363;
const UNSPECIFIED = '0.0.0.0' as Ipv4;
const TTL = 64;

const OPTION_PAD = 0;
const OPTION_SUBNET_MASK = 1;
const OPTION_REQUESTED_IP = 50;
const OPTION_LEASE_TIME = 51;
const OPTION_OVERLOAD = 52;
const OPTION_MESSAGE_TYPE = 53;
const OPTION_SERVER_ID = 54;
const OPTION_END = 255;
const OVERLOAD_FILE = 1;
const OVERLOAD_SNAME = 2;

export interface DhcpMessage {
  /** Addresses of the IPv4 header. */
  readonly source: Ipv4;
  readonly destination: Ipv4;
  readonly op: number;
  readonly transactionId: number;
  readonly ciaddr: Ipv4;
  readonly yiaddr: Ipv4;
  readonly giaddr: Ipv4;
  readonly chaddr: Mac;
  /** Option 53. */
  readonly messageType: number;
  /** Option 51, in seconds; INFINITE_LEASE_S = for ever. */
  readonly leaseTimeS?: number;
  /** Option 54. */
  readonly serverId?: Ipv4;
  /** Option 50. */
  readonly requestedIp?: Ipv4;
  /** Option 1. */
  readonly subnetMask?: Ipv4;
}

export const DHCP_REASONS = [
  ...IPV4_REASONS,
  'fragment',
  'protocol',
  'port',
  'udp-length',
  'udp-checksum',
  'hardware',
  'cookie',
  'option',
  'message-type',
] as const;
export type DhcpReason = (typeof DHCP_REASONS)[number];

function refuse(reason: DhcpReason, detail: string) {
  return malformed(reason, detail);
}

/** What is wrong with the values, if anything. */
export function validateDhcp(message: DhcpMessage): DhcpReason | undefined {
  const fits = (value: number, highest: number) => Number.isInteger(value) && value >= 0 && value <= highest;
  if (!fits(message.messageType, 0xff)) return 'message-type';
  const numbers = fits(message.op, 0xff) && fits(message.transactionId, 0xffffffff);
  return numbers && fits(message.leaseTimeS ?? 0, 0xffffffff) ? undefined : 'octet';
}

/** `bytes` begin with the IPv4 header. */
export function decodeDhcp(bytes: Uint8Array): Decoded<DhcpMessage> {
  const packet = decodeIpv4(bytes);
  if (!packet.ok) return packet;
  const { source, destination, protocol, fragment, payload } = packet.value;
  if (fragment) return refuse('fragment', 'one piece of a datagram');
  if (protocol !== PROTOCOL_UDP) return refuse('protocol', `protocol ${protocol}`);
  const udp = new ByteReader(payload);
  const ports = [udp.u16(), udp.u16()];
  const length = udp.u16();
  const checksum = udp.u16();
  if (udp.failed || length < UDP_HEADER_LENGTH || length > payload.length) {
    return refuse('udp-length', `UDP length ${length} in ${payload.length} octets`);
  }
  if (!ports.every((port) => port === PORT_SERVER || port === PORT_CLIENT)) {
    return refuse('port', `ports ${ports.join(' and ')}`);
  }
  if (!checksumHolds({ source, destination, datagram: payload.subarray(0, length), checksum })) {
    return refuse('udp-checksum', 'UDP checksum is wrong');
  }
  return decodeMessage(payload.subarray(UDP_HEADER_LENGTH, length), { source, destination });
}

interface Ends {
  readonly source: Ipv4;
  readonly destination: Ipv4;
}

function pseudoSum(ends: Ends, length: number): number {
  const addresses = new ByteWriter(8).bytes(ipv4ToBytes(ends.source)).bytes(ipv4ToBytes(ends.destination));
  return pseudoHeaderSum(addresses.finish(), PROTOCOL_UDP, length);
}

function checksumHolds(udp: Ends & { readonly datagram: Uint8Array; readonly checksum: number }): boolean {
  if (udp.checksum === 0) return true;
  const sum = pseudoSum(udp, udp.datagram.length);
  // The pseudo-header's sum alone: what stands there before the hardware has completed it.
  if (udp.checksum === (~checksumFinish(sum) & 0xffff)) return true;
  return checksumFinish(checksumAdd(sum, udp.datagram)) === 0;
}

function decodeMessage(bytes: Uint8Array, ends: Ends): Decoded<DhcpMessage> {
  const reader = new ByteReader(bytes);
  const op = reader.u8();
  const hardware = reader.u8();
  const macLength = reader.u8();
  reader.skip(1);
  const transactionId = reader.u32();
  reader.skip(4);
  const ciaddr = reader.bytes(4);
  const yiaddr = reader.bytes(4);
  reader.skip(4);
  const giaddr = reader.bytes(4);
  const chaddr = reader.bytes(16);
  const sname = reader.bytes(64);
  const file = reader.bytes(128);
  const cookie = reader.u32();
  if (reader.failed) return refuse('short', `${bytes.length} octets hold no DHCP header`);
  if (hardware !== HARDWARE_ETHERNET || macLength !== MAC_LENGTH) {
    return refuse('hardware', `hardware type ${hardware}, address of ${macLength} octets`);
  }
  if (cookie !== MAGIC_COOKIE) return refuse('cookie', 'BOOTP, not DHCP');
  const options = readOptions(reader.rest(), file, sname);
  if (options === undefined) return refuse('option', 'an option does not fit');
  const { messageType, ...others } = options;
  if (messageType === undefined) return refuse('message-type', 'no message type');
  return ok({
    ...ends,
    op,
    transactionId,
    ciaddr: ipv4FromBytes(ciaddr),
    yiaddr: ipv4FromBytes(yiaddr),
    giaddr: ipv4FromBytes(giaddr),
    chaddr: macFromBytes(chaddr),
    messageType,
    ...others,
  });
}

type Options = Partial<
  Pick<DhcpMessage, 'messageType' | 'leaseTimeS' | 'serverId' | 'requestedIp' | 'subnetMask'>
>;

function readOptions(area: Uint8Array, file: Uint8Array, sname: Uint8Array): Options | undefined {
  const found = new Map<number, Uint8Array>();
  if (!collect(area, found)) return undefined;
  const overload = found.get(OPTION_OVERLOAD)?.[0] ?? 0;
  if ((overload & OVERLOAD_FILE) !== 0 && !collect(file, found)) return undefined;
  if ((overload & OVERLOAD_SNAME) !== 0 && !collect(sname, found)) return undefined;
  const messageType = found.get(OPTION_MESSAGE_TYPE);
  const lease = found.get(OPTION_LEASE_TIME);
  const server = found.get(OPTION_SERVER_ID);
  const requested = found.get(OPTION_REQUESTED_IP);
  const mask = found.get(OPTION_SUBNET_MASK);
  if (messageType !== undefined && messageType.length !== 1) return undefined;
  if ([lease, server, requested, mask].some((value) => value !== undefined && value.length !== 4))
    return undefined;
  return {
    ...(messageType && { messageType: new ByteReader(messageType).u8() }),
    ...(lease && { leaseTimeS: new ByteReader(lease).u32() }),
    ...(server && { serverId: ipv4FromBytes(server) }),
    ...(requested && { requestedIp: ipv4FromBytes(requested) }),
    ...(mask && { subnetMask: ipv4FromBytes(mask) }),
  };
}

/** Adds the options of one area; false if one runs past its end. An area that just stops has no End, which is borne. */
function collect(area: Uint8Array, found: Map<number, Uint8Array>): boolean {
  const reader = new ByteReader(area);
  while (reader.remaining > 0) {
    const option = reader.u8();
    if (option === OPTION_PAD) continue;
    if (option === OPTION_END) return true;
    const value = reader.bytes(reader.u8());
    if (reader.failed) return false;
    if (!found.has(option)) found.set(option, value);
  }
  return true;
}

/** As a client (BOOTREQUEST) or a server would send it. Throws RangeError if `validateDhcp` finds fault. For test peers. */
export function encodeDhcp(message: DhcpMessage): Uint8Array {
  const fault = validateDhcp(message);
  if (fault !== undefined) throw new RangeError(`DHCP message with a bad ${fault}`);
  const writer = new ByteWriter(300).u16(message.op === BOOTREQUEST ? PORT_CLIENT : PORT_SERVER);
  writer
    .u16(message.op === BOOTREQUEST ? PORT_SERVER : PORT_CLIENT)
    .u16(0)
    .u16(0);
  writer.u8(message.op).u8(HARDWARE_ETHERNET).u8(MAC_LENGTH).u8(0).u32(message.transactionId).u32(0);
  writer.bytes(ipv4ToBytes(message.ciaddr)).bytes(ipv4ToBytes(message.yiaddr)).u32(0);
  writer.bytes(ipv4ToBytes(message.giaddr));
  writeMac(writer, message.chaddr);
  writer.zeroes(10 + 64 + 128).u32(MAGIC_COOKIE);
  writer.u8(OPTION_MESSAGE_TYPE).u8(1).u8(message.messageType);
  if (message.leaseTimeS !== undefined) writer.u8(OPTION_LEASE_TIME).u8(4).u32(message.leaseTimeS);
  writeAddress(writer, OPTION_SERVER_ID, message.serverId);
  writeAddress(writer, OPTION_REQUESTED_IP, message.requestedIp);
  writeAddress(writer, OPTION_SUBNET_MASK, message.subnetMask);
  writer.u8(OPTION_END).patchU16(4, writer.length);
  const { source, destination } = message;
  const sum = checksumFinish(checksumAdd(pseudoSum(message, writer.length), writer.written()));
  // RFC 768: a computed zero is sent as all ones.
  const payload = writer.patchU16(6, sum === 0 ? 0xffff : sum).finish();
  return encodeIpv4({ source, destination, protocol: PROTOCOL_UDP, ttl: TTL, fragment: false, payload });
}

function writeAddress(writer: ByteWriter, option: number, ip: Ipv4 | undefined): void {
  if (ip !== undefined) writer.u8(option).u8(4).bytes(ipv4ToBytes(ip));
}

/** The address that a client says it has or wants to keep: of a DHCPREQUEST (RFC 2131 §4.3.2). A claim, no proof. */
export function claimedIp(message: DhcpMessage): Ipv4 | undefined {
  if (message.op !== BOOTREQUEST || message.messageType !== DHCPREQUEST) return undefined;
  if (message.requestedIp !== undefined) return message.requestedIp;
  return message.ciaddr === UNSPECIFIED ? undefined : message.ciaddr;
}

/** The address that a server gives to `chaddr`: of a DHCPACK, not one to a DHCPINFORM (RFC 2131 §4.3.5). */
export function assignedIp(message: DhcpMessage): Ipv4 | undefined {
  if (message.op !== BOOTREPLY || message.messageType !== DHCPACK) return undefined;
  return message.yiaddr === UNSPECIFIED ? undefined : message.yiaddr;
}

const MESSAGE_NAMES: readonly string[] = [
  '',
  'DISCOVER',
  'OFFER',
  'REQUEST',
  'DECLINE',
  'ACK',
  'NAK',
  'RELEASE',
  'INFORM',
];

export function describeDhcp(message: DhcpMessage): string {
  const name = MESSAGE_NAMES[message.messageType] || `type ${message.messageType}`;
  const ip = claimedIp(message) ?? assignedIp(message);
  const lease = message.leaseTimeS === undefined ? '' : ` for ${message.leaseTimeS} s`;
  return `DHCP ${name} of ${message.chaddr}${ip === undefined ? '' : `: ${ip}`}${lease}`;
}
