// What is kept on disk, as octets that outlive the program:
//
//   version | kind | fields: tag, length (2 octets), value | CRC-32 of all before it
//
// A field that is not known is skipped, so that an older program of the same version can read what a newer one wrote.
// Reading never throws, whatever the octets are. What the tags are is the business of each codec above.

import { ByteReader, ByteWriter, fromUtf8, utf8 } from './bytes.ts';
import { crc32 } from './crc32.ts';
import { type Ip, ipFromBytes, ipToBytes } from './ip.ts';
import { type Mac, macFromBytes, macToBytes } from './mac.ts';
import { type Decoded, malformed, ok } from './result.ts';

const CHECKSUM_OCTETS = 4;
const LONGEST_FIELD = 0xffff;
const WORD = 2 ** 32;

export class FieldWriter {
  private readonly out: ByteWriter;

  constructor(version: number, kind: number) {
    this.out = new ByteWriter(256).u8(version).u8(kind);
  }

  /** Cut at 65,535 octets. */
  octets(tag: number, value: Uint8Array): void {
    const whole = value.length <= LONGEST_FIELD ? value : value.subarray(0, LONGEST_FIELD);
    this.out.u8(tag).u16(whole.length).bytes(whole);
  }

  text(tag: number, value: string): void {
    this.octets(tag, utf8(value));
  }

  /**
   * Several of them are one field. Whole, and not below 0: what is below the whole is cut off, as where a time is told in seconds, so
   * that it is the same second before and after.
   */
  numbers(tag: number, ...values: readonly number[]): void {
    this.out.u8(tag).u16(8 * values.length);
    for (const value of values) {
      const whole = Math.max(0, Math.floor(value));
      this.out.u32(Math.floor(whole / WORD)).u32(whole % WORD);
    }
  }

  mac(tag: number, value: Mac): void {
    this.octets(tag, macToBytes(value));
  }

  ip(tag: number, value: Ip): void {
    this.octets(tag, ipToBytes(value));
  }

  finish(): Uint8Array {
    return this.out.u32(crc32(this.out.written())).finish();
  }
}

export interface FieldFrame {
  readonly kind: number;
  readonly fields: Fields;
}

/** Refused: another version, a checksum that is wrong, a field that is longer than what is left. */
export function readFields(bytes: Uint8Array, version: number): Decoded<FieldFrame> {
  if (bytes.length < 2 + CHECKSUM_OCTETS) return malformed('short', `${bytes.length} octets`);
  const body = bytes.subarray(0, bytes.length - CHECKSUM_OCTETS);
  if (new ByteReader(bytes, body.length).u32() !== crc32(body))
    return malformed('checksum', `${bytes.length} octets`);
  const reader = new ByteReader(body);
  const found = reader.u8();
  if (found !== version) return malformed('version', `version ${found}`);
  const kind = reader.u8();
  const fields = new Fields();
  while (reader.remaining > 0) {
    const tag = reader.u8();
    fields.add(tag, reader.bytes(reader.u16()));
  }
  if (reader.failed) return malformed('field-length', `past the end of ${bytes.length} octets`);
  return ok({ kind, fields });
}

/** Values by tag; undefined where there is none, or none of the right length. */
export class Fields {
  private readonly values = new Map<number, Uint8Array[]>();

  add(tag: number, value: Uint8Array): void {
    const known = this.values.get(tag);
    if (known === undefined) this.values.set(tag, [value]);
    else known.push(value);
  }

  /** Copies: what the octets were read from may be used again. */
  all(tag: number): readonly Uint8Array[] {
    return (this.values.get(tag) ?? []).map((value) => value.slice());
  }

  texts(tag: number): readonly string[] {
    return (this.values.get(tag) ?? []).map(fromUtf8);
  }

  has(tag: number): boolean {
    return this.values.has(tag);
  }

  octets(tag: number): Uint8Array | undefined {
    return this.view(tag)?.slice();
  }

  text(tag: number): string | undefined {
    const value = this.view(tag);
    return value === undefined ? undefined : fromUtf8(value);
  }

  number(tag: number): number | undefined {
    const value = this.numbers(tag);
    return value?.length === 1 ? value[0] : undefined;
  }

  numbers(tag: number): readonly number[] | undefined {
    const value = this.view(tag);
    if (value === undefined || value.length % 8 !== 0) return undefined;
    const reader = new ByteReader(value);
    return Array.from({ length: value.length / 8 }, () => reader.u32() * WORD + reader.u32());
  }

  mac(tag: number): Mac | undefined {
    const value = this.view(tag);
    return value?.length === 6 ? macFromBytes(value) : undefined;
  }

  ip(tag: number): Ip | undefined {
    const value = this.view(tag);
    return value === undefined ? undefined : ipFromBytes(value);
  }

  /** Those of them that are addresses. */
  ips(tag: number): readonly Ip[] {
    return (this.values.get(tag) ?? []).map(ipFromBytes).filter((ip) => ip !== undefined);
  }

  private view(tag: number): Uint8Array | undefined {
    return this.values.get(tag)?.[0];
  }
}
