// MD5 and HMAC-MD5 as RADIUS demands them (RFC 2865 §3, RFC 3579 §3.2), and the comparison that leaks no timing.
// The one file of `base` that may use node:crypto.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

export function md5(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

export function hmacMd5(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac('md5', key);
  for (const part of parts) hmac.update(part);
  return new Uint8Array(hmac.digest());
}

/** Constant time for equal lengths; a length is no secret. */
export function digestsEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
