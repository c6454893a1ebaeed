// MAC addresses: one canonical text, lower case with colons, so that a Map key and a log line are the same thing.

import { type ByteReader, type ByteWriter, HEX } from './bytes.ts';

/** An EUI-48 in the form `aa:bb:cc:dd:ee:ff`. Made by the functions of this file only. */
export type Mac = string & { readonly __brand: 'Mac' };

/** IEEE 802.1X-2020 Table 11-1: the PAE group address, never forwarded by a bridge. */
export const PAE_GROUP_ADDRESS = '01:80:c2:00:00:03' as Mac;
export const BROADCAST_ADDRESS = 'ff:ff:ff:ff:ff:ff' as Mac;
export const ZERO_ADDRESS = '00:00:00:00:00:00' as Mac;

/** `at` is the offset of the first of six octets; the caller has checked that they are there. */
export function macFromBytes(bytes: Uint8Array, at = 0): Mac {
  const hex = (i: number): string => HEX[bytes[at + i] ?? 0] ?? '';
  return `${hex(0)}:${hex(1)}:${hex(2)}:${hex(3)}:${hex(4)}:${hex(5)}` as Mac;
}

export function macToBytes(mac: Mac): Uint8Array {
  const out = new Uint8Array(6);
  for (let i = 0; i < 6; i++) out[i] = octetOf(mac, i);
  return out;
}

// Reading and writing without an array in between: each frame has two, each probe four.

export function readMac(reader: ByteReader): Mac {
  const hex = (): string => HEX[reader.u8()] ?? '';
  return `${hex()}:${hex()}:${hex()}:${hex()}:${hex()}:${hex()}` as Mac;
}

export function writeMac(writer: ByteWriter, mac: Mac): void {
  for (let i = 0; i < 6; i++) writer.u8(octetOf(mac, i));
}

function octetOf(mac: Mac, index: number): number {
  return (digitOf(mac.charCodeAt(3 * index)) << 4) | digitOf(mac.charCodeAt(3 * index + 1));
}

/** Of `0`..`9` and `a`..`f`. */
function digitOf(code: number): number {
  return code < 0x60 ? code - 0x30 : code - 0x57;
}

/**
 * The MAC as an integer below 2^48, first octet highest: the key under which the table sweep finds a session
 * without making a string for each of 10,000 records.
 */
export function macToNumber(mac: Mac): number {
  let number = 0;
  for (let i = 0; i < 6; i++) number = number * 256 + octetOf(mac, i);
  return number;
}

/**
 * Any spelling that switches and RADIUS servers use: aa:bb:cc:dd:ee:ff, aa-bb-cc-dd-ee-ff, aabb.ccdd.eeff,
 * aabbcc-ddeeff, aabbccddeeff, in either case. Undefined for anything else.
 */
export function parseMac(text: string): Mac | undefined {
  const trimmed = text.trim();
  if (!/^[0-9a-fA-F]{1,2}([:-][0-9a-fA-F]{1,2}){5}$/.test(trimmed)) {
    const digits = trimmed.replace(/[.:-]/g, '');
    const grouped =
      /^([0-9a-fA-F]{4}[.:-]){2}[0-9a-fA-F]{4}$|^[0-9a-fA-F]{6}[.:-][0-9a-fA-F]{6}$|^[0-9a-fA-F]{12}$/;
    if (!grouped.test(trimmed)) return undefined;
    return digits.toLowerCase().replace(/(..)(?=.)/g, '$1:') as Mac;
  }
  return trimmed
    .toLowerCase()
    .split(/[:-]/)
    .map((part) => part.padStart(2, '0'))
    .join(':') as Mac;
}

/** Spellings of a MAC, shown by example; letters and digits, groups and separators are as they stand here. */
export const MAC_SPELLINGS = [
  'aabbccddeeff',
  'AABBCCDDEEFF',
  'aa-bb-cc-dd-ee-ff',
  'AA-BB-CC-DD-EE-FF',
  'aa:bb:cc:dd:ee:ff',
  'AA:BB:CC:DD:EE:FF',
  'aabb.ccdd.eeff',
  'AABB.CCDD.EEFF',
] as const;
export type MacSpelling = (typeof MAC_SPELLINGS)[number];

export function spellMac(mac: Mac, spelling: MacSpelling): string {
  const digits = mac.replaceAll(':', '');
  const separator = /[-:.]/.exec(spelling)?.[0] ?? '';
  const group = separator === '.' ? 4 : 2;
  const grouped =
    separator === '' ? digits : (digits.match(new RegExp(`.{${group}}`, 'g')) ?? []).join(separator);
  return spelling.startsWith('A') ? grouped.toUpperCase() : grouped;
}

/** RFC 3580 §3.20, §3.21: upper case, hyphens. */
export function macToStationId(mac: Mac): string {
  return macToKey(mac).toUpperCase();
}

/** In the canonical form. */
export function isMac(text: string): text is Mac {
  return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(text);
}

/** The form used in MQTT topics: lower case, hyphens. */
export function macToKey(mac: Mac): string {
  return mac.replaceAll(':', '-');
}

/** Group bit set, or all zero: never the source of an honest frame (IEEE 802-2014 §8.2.2). */
export function isStationAddress(mac: Mac): boolean {
  return mac !== ZERO_ADDRESS && (Number.parseInt(mac.slice(0, 2), 16) & 1) === 0;
}

/** The inverse of `macToNumber`. */
export function macFromNumber(mac48: number): Mac {
  return mac48
    .toString(16)
    .padStart(12, '0')
    .replace(/(..)(?=.)/g, '$1:') as Mac;
}
