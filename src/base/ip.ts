// IP addresses as canonical text: dotted quad, and RFC 5952 for IPv6, so that equal addresses are equal strings.

import { type ByteReader, type ByteWriter, toHex } from './bytes.ts';

export type Ipv4 = string & { readonly __brand: 'Ipv4' };
export type Ipv6 = string & { readonly __brand: 'Ipv6' };
export type Ip = Ipv4 | Ipv6;

export function isIpv4(ip: Ip): ip is Ipv4 {
  return !ip.includes(':');
}

/** `at` is the offset of the first of four octets; the caller has checked that they are there. */
export function ipv4FromBytes(bytes: Uint8Array, at = 0): Ipv4 {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}` as Ipv4;
}

export function ipv4ToBytes(ip: Ipv4): Uint8Array {
  return Uint8Array.from(ip.split('.'), Number);
}

export function readIpv4(reader: ByteReader): Ipv4 {
  return `${reader.u8()}.${reader.u8()}.${reader.u8()}.${reader.u8()}` as Ipv4;
}

const DOT = 0x2e;
const DIGIT_ZERO = 0x30;

export function writeIpv4(writer: ByteWriter, ip: Ipv4): void {
  let octet = 0;
  for (let i = 0; i < ip.length; i++) {
    const code = ip.charCodeAt(i);
    if (code === DOT) {
      writer.u8(octet);
      octet = 0;
    } else octet = octet * 10 + code - DIGIT_ZERO;
  }
  writer.u8(octet);
}

export function parseIpv4(text: string): Ipv4 | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  for (const part of parts) if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined;
  return text as Ipv4;
}

/** RFC 5952 §4: lower case, no leading zeroes, the longest run of two or more zero groups as `::`. */
export function ipv6FromBytes(bytes: Uint8Array, at = 0): Ipv6 {
  const groups: string[] = [];
  for (let i = 0; i < 8; i++) {
    groups.push((((bytes[at + 2 * i] ?? 0) << 8) | (bytes[at + 2 * i + 1] ?? 0)).toString(16));
  }
  let best = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (i + run < 8 && groups[i + run] === '0') run++;
    if (run > bestLength) {
      best = i;
      bestLength = run;
    }
    if (run > 0) i += run - 1;
  }
  if (best < 0) return groups.join(':') as Ipv6;
  return `${groups.slice(0, best).join(':')}::${groups.slice(best + bestLength).join(':')}` as Ipv6;
}

export function ipv6ToBytes(ip: Ipv6): Uint8Array {
  const out = new Uint8Array(16);
  const halves = ip.split('::');
  const head = halves[0] ? halves[0].split(':') : [];
  const tail = halves.length > 1 && halves[1] ? halves[1].split(':') : [];
  head.forEach((group, i) => {
    writeGroup(out, i, group);
  });
  tail.forEach((group, i) => {
    writeGroup(out, 8 - tail.length + i, group);
  });
  return out;
}

function writeGroup(out: Uint8Array, index: number, group: string): void {
  const value = Number.parseInt(group, 16);
  out[2 * index] = value >>> 8;
  out[2 * index + 1] = value;
}

export function parseIpv6(text: string): Ipv6 | undefined {
  const embedded = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  let plain = text;
  if (embedded) {
    const quad = parseIpv4(embedded[2] ?? '');
    if (quad === undefined) return undefined;
    const hex = toHex(ipv4ToBytes(quad));
    plain = `${embedded[1]}${hex.slice(0, 4)}:${hex.slice(4)}`;
  }
  const halves = plain.split('::');
  if (halves.length > 2) return undefined;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  if (groups.some((group) => !/^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  if (halves.length === 1 ? groups.length !== 8 : groups.length > 7) return undefined;
  return ipv6FromBytes(ipv6ToBytes(plain as Ipv6));
}

export function parseIp(text: string): Ip | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

export function ipFromBytes(bytes: Uint8Array): Ip | undefined {
  if (bytes.length === 4) return ipv4FromBytes(bytes);
  return bytes.length === 16 ? ipv6FromBytes(bytes) : undefined;
}

export function ipToBytes(ip: Ip): Uint8Array {
  return isIpv4(ip) ? ipv4ToBytes(ip) : ipv6ToBytes(ip as Ipv6);
}

/** Without the interface that a link-local address may be said with: `fe80::1%eth0` (RFC 4007 §11). */
export function withoutZone(text: string): string {
  return text.replace(/%.*$/, '');
}

/** fe80::/10 (RFC 4291 §2.5.6). */
export function isLinkLocal(ip: Ipv6): boolean {
  return /^fe[89ab][0-9a-f]:/.test(ip);
}

/** ff00::/8 (RFC 4291 §2.7). */
export function isMulticast(ip: Ipv6): boolean {
  return /^ff[0-9a-f]{2}:/.test(ip);
}

/** One that a host may send from on a wire: not unspecified, loopback, multicast or reserved (RFC 6890, RFC 4291 §2.4). */
export function isHostAddress(ip: Ip): boolean {
  if (!isIpv4(ip)) return ip !== '::' && ip !== '::1' && !isMulticast(ip);
  const first = Number.parseInt(ip, 10);
  return first !== 0 && first !== 127 && first < 224;
}

/** An address of an interface, and how many bits of it are its subnet's: `192.0.2.1/24`. */
export interface InterfaceAddress {
  readonly ip: Ip;
  readonly prefixLength: number;
}

/** It is on the subnet of that address. */
export function isOnSubnet(ip: Ip, { ip: own, prefixLength }: InterfaceAddress): boolean {
  const a = ipToBytes(ip);
  const b = ipToBytes(own);
  if (a.length !== b.length) return false;
  for (let bit = 0; bit < prefixLength; bit++) {
    const mask = 0x80 >> (bit & 7);
    if (((a[bit >> 3] ?? 0) & mask) !== ((b[bit >> 3] ?? 0) & mask)) return false;
  }
  return true;
}
