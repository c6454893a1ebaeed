// Byte cursors. Every codec of `wire/` reads and writes through these two and through nothing else.
//
// Promise: a reader never yields an octet from outside the view that it was given, and never throws. A read
// past the end returns zeroes and marks the reader `failed` for good, so that a codec can read a whole layout
// straight through and test `failed` once, before it trusts anything that it read.
// Network byte order throughout (RFC 1700).

export class ByteReader {
  private pos = 0;
  private bad = false;

  constructor(
    private readonly view: Uint8Array,
    start = 0,
  ) {
    this.pos = start;
    if (start > view.length) this.bad = true;
  }

  /** True once any read went past the end. Everything read since then is zero and must not be used. */
  get failed(): boolean {
    return this.bad;
  }

  /** Octets left to read; 0 after a failure. */
  get remaining(): number {
    return this.bad ? 0 : this.view.length - this.pos;
  }

  /** Offset of the next octet from the start of the view. */
  get offset(): number {
    return this.pos;
  }

  private take(count: number): number {
    if (this.bad || count < 0 || this.pos + count > this.view.length) {
      this.bad = true;
      return -1;
    }
    const at = this.pos;
    this.pos += count;
    return at;
  }

  u8(): number {
    const at = this.take(1);
    return at < 0 ? 0 : (this.view[at] ?? 0);
  }

  u16(): number {
    const at = this.take(2);
    if (at < 0) return 0;
    return ((this.view[at] ?? 0) << 8) | (this.view[at + 1] ?? 0);
  }

  u32(): number {
    const at = this.take(4);
    if (at < 0) return 0;
    const v = this.view;
    return (
      (((v[at] ?? 0) << 24) | ((v[at + 1] ?? 0) << 16) | ((v[at + 2] ?? 0) << 8) | (v[at + 3] ?? 0)) >>> 0
    );
  }

  /** A view (not a copy) of the next `count` octets; empty after a failure. */
  bytes(count: number): Uint8Array {
    const at = this.take(count);
    return at < 0 ? this.view.subarray(0, 0) : this.view.subarray(at, at + count);
  }

  /** A view of everything that is left. */
  rest(): Uint8Array {
    return this.bytes(this.remaining);
  }

  skip(count: number): void {
    this.take(count);
  }
}

/** Appends octets to a buffer that grows, up to one `finish()`. */
export class ByteWriter {
  private buf: Uint8Array;
  private len = 0;

  constructor(sizeHint = 128) {
    this.buf = new Uint8Array(sizeHint);
  }

  /** Octets written so far. */
  get length(): number {
    return this.len;
  }

  private room(count: number): number {
    const at = this.len;
    this.len += count;
    if (this.len > this.buf.length) {
      const grown = new Uint8Array(Math.max(this.len, this.buf.length * 2));
      grown.set(this.buf);
      this.buf = grown;
    }
    return at;
  }

  u8(value: number): this {
    // First the room: it may be in another buffer.
    const at = this.room(1);
    this.buf[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.room(2);
    this.buf[at] = value >>> 8;
    this.buf[at + 1] = value;
    return this;
  }

  u32(value: number): this {
    const at = this.room(4);
    this.buf[at] = value >>> 24;
    this.buf[at + 1] = value >>> 16;
    this.buf[at + 2] = value >>> 8;
    this.buf[at + 3] = value;
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.room(value.length);
    this.buf.set(value, at);
    return this;
  }

  /** A text of octets below 0x80 alone: `isAscii`. */
  ascii(text: string): this {
    const at = this.room(text.length);
    for (let i = 0; i < text.length; i++) this.buf[at + i] = text.charCodeAt(i);
    return this;
  }

  zeroes(count: number): this {
    const at = this.room(count);
    this.buf.fill(0, at, at + count);
    return this;
  }

  /** Overwrites two octets that were written earlier (a length that is known only afterwards). */
  patchU16(at: number, value: number): this {
    this.buf[at] = value >>> 8;
    this.buf[at + 1] = value;
    return this;
  }

  /** A view of what was written so far: for a checksum that is written then. */
  written(): Uint8Array {
    return this.buf.subarray(0, this.len);
  }

  /** Exactly what was written. Without a copy if the size hint was exact: nothing may be written after it. */
  finish(): Uint8Array {
    return this.len === this.buf.length ? this.buf : this.buf.slice(0, this.len);
  }
}

export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Of each octet. */
export const HEX: readonly string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

/** Lower-case hexadecimal with `separator` between octets. */
export function toHex(bytes: Uint8Array, separator = ''): string {
  let out = '';
  for (let i = 0; i < bytes.length; i++) out += (i > 0 ? separator : '') + HEX[bytes[i] ?? 0];
  return out;
}

/** Octets of a hexadecimal text; blanks and colons between octets are skipped. Undefined if it is not one. */
export function fromHex(text: string): Uint8Array | undefined {
  const digits = text.replace(/[\s:]/g, '');
  if (digits.length % 2 !== 0 || /[^0-9a-fA-F]/.test(digits)) return undefined;
  const out = new Uint8Array(digits.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return out;
}

const utf8Encoder = new TextEncoder();
/** A byte order mark is a character of the text like any other: what comes in must go out as it was. */
const utf8Decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });

/** Up to so many octets an array needs no memory of its own: a quarter of the time. */
const SHORT_TEXT = 64;

export function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

export function utf8(text: string): Uint8Array {
  return text.length <= SHORT_TEXT && isAscii(text)
    ? new ByteWriter(text.length).ascii(text).finish()
    : utf8Encoder.encode(text);
}

/** Text of octets; malformed sequences become U+FFFD, so hostile input cannot throw. */
export function fromUtf8(bytes: Uint8Array): string {
  // Not only faster: a decoder would give each small array, until then within the heap, memory of its own for good.
  if (bytes.length <= SHORT_TEXT && bytes.every((octet) => octet <= 0x7f))
    return String.fromCharCode(...bytes);
  return utf8Decoder.decode(bytes);
}
