// MD5 and HMAC-MD5 as RADIUS demands them (RFC 2865 §3, RFC 3579 §3.2), HMAC-SHA-256, the digest of a text, and the comparison that leaks no timing.
// The one file of `base` that may use node:crypto.
//
// One-shot hashes of one piece, since a hash object costs three times what it computes: a login takes some ten of these.

import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import { concatBytes } from './bytes.ts';

/** RFC 2104 §2: octets of a block of MD5. */
const BLOCK = 64;
const INNER = 0x36;
const OUTER = 0x5c;

export function md5(...parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  const whole = parts.length === 1 && first !== undefined ? first : concatBytes(parts);
  return hash('md5', whole, 'buffer');
}

/** RFC 2104 §2. */
export function hmacMd5(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const secret = key.length > BLOCK ? md5(key) : key;
  return md5(padded(secret, OUTER), md5(padded(secret, INNER), ...parts));
}

function padded(key: Uint8Array, pad: number): Uint8Array {
  const block = new Uint8Array(BLOCK).fill(pad);
  for (let i = 0; i < key.length; i++) block[i] = (key[i] ?? 0) ^ pad;
  return block;
}

/** RFC 2104 with SHA-256 (FIPS 180-4): for secrets of our own. */
export function hmacSha256(key: Uint8Array, text: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(text).digest();
}

/** FIPS 180-4, of a text as UTF-8; as `sha256sum` prints it. */
export function sha256Hex(text: string): string {
  return hash('sha256', text, 'hex');
}

/** Constant time for equal lengths; a length is no secret. */
export function digestsEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
