// DHCPv6 (RFC 8415) in its IPv6 and UDP headers, payload of ether type 0x86DD: what a server gives, and for how long. A
// watcher's view: of the options only the server's DUID, addresses (IA_NA) and delegated prefixes (IA_PD) are read.
//
// The UDP checksum is verified. Accepted without: one that holds only the sum of the pseudo-header, as a sender on this host
// leaves it for hardware that a veth does not have. Limits: no IPv6 extension headers, no relay messages.

import { ByteReader, ByteWriter, concatBytes, fromHex, toHex } from '../base/bytes.ts';
import { type Ipv6, ipv6FromBytes, ipv6ToBytes } from '../base/ip.ts';
import { type Decoded, malformed, ok } from '../base/result.ts';
import { checksumAdd, checksumFinish, pseudoHeaderSum } from './internet-checksum.ts';
import { PROTOCOL_UDP } from './ipv4.ts';

/** RFC 8415 §7.3. Others are kept as numbers. */
export const DHCP6_REPLY = 7;
const RELAY_FORW = 12;
const RELAY_REPL = 13;

/** RFC 8415 §7.7: a lifetime that means for ever. */
export const INFINITE_LIFETIME_S = 0xffffffff;

/** RFC 8415 §7.2. */
const PORT_CLIENT = 546;
const PORT_SERVER = 547;
const IP_HEADER_LENGTH = 40;
const UDP_HEADER_LENGTH = 8;
const HOP_LIMIT = 64;
const LONGEST_DUID = 130;

/** RFC 8415 §21. */
const OPTION_SERVERID = 2;
const OPTION_IA_NA = 3;
const OPTION_IAADDR = 5;
const OPTION_IA_PD = 25;
const OPTION_IAPREFIX = 26;
/** IAID, T1, T2. */
const IA_HEADER_LENGTH = 12;

export type Dhcp6Lease =
  | { readonly kind: 'address'; readonly address: Ipv6; readonly validLifetimeS: number }
  | {
      readonly kind: 'prefix';
      readonly prefix: Ipv6;
      /** 0..128. */
      readonly length: number;
      readonly validLifetimeS: number;
    };

export interface Dhcp6Message {
  /** Addresses of the IPv6 header. */
  readonly source: Ipv6;
  readonly destination: Ipv6;
  readonly messageType: number;
  /** 24 bits. */
  readonly transactionId: number;
  /** Option 2, in hexadecimal digits. */
  readonly serverId?: string;
  readonly leases: readonly Dhcp6Lease[];
}

export const DHCP6_REASONS = [
  'short',
  'version',
  'next-header',
  'length',
  'udp-length',
  'port',
  'udp-checksum',
  'message-type',
  'option',
  'octet',
] as const;
export type Dhcp6Reason = (typeof DHCP6_REASONS)[number];

function refuse(reason: Dhcp6Reason, detail: string) {
  return malformed(reason, detail);
}

/** What is wrong with the values, if anything. */
export function validateDhcp6(message: Dhcp6Message): Dhcp6Reason | undefined {
  const { messageType, transactionId, serverId = '00', leases } = message;
  const fits = (value: number, highest: number) => Number.isInteger(value) && value >= 0 && value <= highest;
  if (!fits(messageType, 0xff) || messageType === RELAY_FORW || messageType === RELAY_REPL)
    return 'message-type';
  if (!fits(transactionId, 0xffffff)) return 'octet';
  if (!/^([0-9a-f]{2})+$/.test(serverId) || serverId.length > 2 * LONGEST_DUID) return 'option';
  for (const lease of leases) {
    if (!fits(lease.validLifetimeS, 0xffffffff)) return 'octet';
    if (lease.kind === 'prefix' && !fits(lease.length, 128)) return 'option';
  }
  return undefined;
}

/** `bytes` begin with the IPv6 header; what follows its Payload Length is padding. */
export function decodeDhcp6(bytes: Uint8Array): Decoded<Dhcp6Message> {
  const header = new ByteReader(bytes);
  const version = header.u32() >>> 28;
  const length = header.u16();
  const nextHeader = header.u8();
  header.skip(1);
  const addresses = header.bytes(32);
  if (header.failed) return refuse('short', `${bytes.length} octets hold no IPv6 header`);
  if (version !== 6) return refuse('version', `version ${version}`);
  if (nextHeader !== PROTOCOL_UDP) return refuse('next-header', `next header ${nextHeader}`);
  if (length > header.remaining) return refuse('length', `length ${length}, ${header.remaining} there`);
  const payload = header.bytes(length);
  const udp = new ByteReader(payload);
  const ports = [udp.u16(), udp.u16()];
  const udpLength = udp.u16();
  const checksum = udp.u16();
  if (udp.failed || udpLength < UDP_HEADER_LENGTH || udpLength > payload.length)
    return refuse('udp-length', `UDP length ${udpLength} in ${payload.length} octets`);
  if (!ports.every((port) => port === PORT_SERVER || port === PORT_CLIENT))
    return refuse('port', `ports ${ports.join(' and ')}`);
  const datagram = payload.subarray(0, udpLength);
  const sum = pseudoHeaderSum(addresses, PROTOCOL_UDP, udpLength);
  // The pseudo-header's sum alone: what stands there before the hardware has completed it.
  const isPartial = checksum === (~checksumFinish(sum) & 0xffff);
  if (!isPartial && checksumFinish(checksumAdd(sum, datagram)) !== 0)
    return refuse('udp-checksum', 'UDP checksum is wrong');
  const ends = { source: ipv6FromBytes(addresses), destination: ipv6FromBytes(addresses, 16) };
  return decodeMessage(datagram.subarray(UDP_HEADER_LENGTH), ends);
}

function decodeMessage(
  bytes: Uint8Array,
  ends: Pick<Dhcp6Message, 'source' | 'destination'>,
): Decoded<Dhcp6Message> {
  const reader = new ByteReader(bytes);
  const first = reader.u32();
  if (reader.failed) return refuse('short', `${bytes.length} octets hold no DHCPv6 header`);
  const messageType = first >>> 24;
  if (messageType === RELAY_FORW || messageType === RELAY_REPL)
    return refuse('message-type', 'between relay and server');
  const options = readOptions(reader.rest());
  const misfit = () => refuse('option', 'an option does not fit');
  if (options === undefined) return misfit();
  let serverId: string | undefined;
  const leases: Dhcp6Lease[] = [];
  for (const { code, value } of options) {
    if (code === OPTION_SERVERID) {
      if (value.length === 0 || value.length > LONGEST_DUID) return misfit();
      serverId ??= toHex(value);
    } else if (code === OPTION_IA_NA || code === OPTION_IA_PD) {
      const given = leasesIn(value, code);
      if (given === undefined) return misfit();
      leases.push(...given);
    }
  }
  const message = { ...ends, messageType, transactionId: first & 0xffffff, leases };
  return ok(serverId === undefined ? message : { ...message, serverId });
}

interface Option {
  readonly code: number;
  readonly value: Uint8Array;
}

/** RFC 8415 §21.1; undefined if one runs past the end. */
function readOptions(area: Uint8Array): readonly Option[] | undefined {
  const reader = new ByteReader(area);
  const options: Option[] = [];
  while (reader.remaining > 0) {
    const code = reader.u16();
    options.push({ code, value: reader.bytes(reader.u16()) });
    if (reader.failed) return undefined;
  }
  return options;
}

/** RFC 8415 §21.4, §21.6, §21.21, §21.22. */
function leasesIn(ia: Uint8Array, kind: number): readonly Dhcp6Lease[] | undefined {
  const options = ia.length < IA_HEADER_LENGTH ? undefined : readOptions(ia.subarray(IA_HEADER_LENGTH));
  if (options === undefined) return undefined;
  const leases: Dhcp6Lease[] = [];
  for (const { code, value } of options) {
    const reader = new ByteReader(value);
    if (kind === OPTION_IA_NA && code === OPTION_IAADDR) {
      const address = reader.bytes(16);
      reader.skip(4);
      const validLifetimeS = reader.u32();
      if (reader.failed) return undefined;
      leases.push({ kind: 'address', address: ipv6FromBytes(address), validLifetimeS });
    } else if (kind === OPTION_IA_PD && code === OPTION_IAPREFIX) {
      reader.skip(4);
      const validLifetimeS = reader.u32();
      const length = reader.u8();
      const prefix = reader.bytes(16);
      if (reader.failed || length > 128) return undefined;
      leases.push({ kind: 'prefix', prefix: ipv6FromBytes(prefix), length, validLifetimeS });
    }
  }
  return leases;
}

/** As a server would send it, each lease in an association of its own. Throws RangeError if `validateDhcp6` finds fault. For test peers. */
export function encodeDhcp6(message: Dhcp6Message): Uint8Array {
  const fault = validateDhcp6(message);
  if (fault !== undefined) throw new RangeError(`DHCPv6 message with a bad ${fault}`);
  const body = new ByteWriter(128).u32(message.messageType * 0x1000000 + message.transactionId);
  if (message.serverId !== undefined)
    writeOption(body, OPTION_SERVERID, fromHex(message.serverId) ?? new Uint8Array());
  for (const lease of message.leases) writeLease(body, lease);
  const length = UDP_HEADER_LENGTH + body.length;
  const addresses = concatBytes([ipv6ToBytes(message.source), ipv6ToBytes(message.destination)]);
  const udp = new ByteWriter(length)
    .u16(PORT_SERVER)
    .u16(PORT_CLIENT)
    .u16(length)
    .u16(0)
    .bytes(body.finish());
  const sum = checksumAdd(pseudoHeaderSum(addresses, PROTOCOL_UDP, length), udp.written());
  const datagram = udp.patchU16(6, checksumFinish(sum) || 0xffff).finish();
  const ip = new ByteWriter(IP_HEADER_LENGTH + length).u32(0x60000000).u16(length);
  return ip.u8(PROTOCOL_UDP).u8(HOP_LIMIT).bytes(addresses).bytes(datagram).finish();
}

function writeOption(writer: ByteWriter, code: number, value: Uint8Array): void {
  writer.u16(code).u16(value.length).bytes(value);
}

function writeLease(writer: ByteWriter, lease: Dhcp6Lease): void {
  const { validLifetimeS: valid } = lease;
  const ia = new ByteWriter(64).zeroes(IA_HEADER_LENGTH);
  const given = new ByteWriter(32);
  if (lease.kind === 'address') given.bytes(ipv6ToBytes(lease.address)).u32(valid).u32(valid);
  else given.u32(valid).u32(valid).u8(lease.length).bytes(ipv6ToBytes(lease.prefix));
  writeOption(ia, lease.kind === 'address' ? OPTION_IAADDR : OPTION_IAPREFIX, given.finish());
  writeOption(writer, lease.kind === 'address' ? OPTION_IA_NA : OPTION_IA_PD, ia.finish());
}

export function describeDhcp6(message: Dhcp6Message): string {
  const name = message.messageType === DHCP6_REPLY ? 'REPLY' : `type ${message.messageType}`;
  const given = message.leases.map((lease) =>
    lease.kind === 'address'
      ? `${lease.address} for ${lease.validLifetimeS} s`
      : `${lease.prefix}/${lease.length} for ${lease.validLifetimeS} s`,
  );
  return `DHCPv6 ${name} to ${message.destination}${given.length === 0 ? '' : `: ${given.join(', ')}`}`;
}
