// How a password travels in an Access-Request: hidden (RFC 2865 §5.2, PAP) or as a CHAP response (§5.3).
// Passwords and secrets pass through and are kept nowhere.

import { concatBytes } from '../base/bytes.ts';
import { md5 } from '../base/hash.ts';

const BLOCK = 16;
/** RFC 2865 §5.2: at most 128 octets of User-Password. */
const LONGEST_PASSWORD = 128;

export interface PasswordKey {
  readonly secret: Uint8Array;
  /** Request Authenticator of the packet that carries it, 16 octets. */
  readonly authenticator: Uint8Array;
}

function xorBlock(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((octet, i) => octet ^ (b[i] ?? 0));
}

/** The value of User-Password: 16 to 128 octets. Undefined for a password over 128 octets. */
export function hideUserPassword(password: Uint8Array, key: PasswordKey): Uint8Array | undefined {
  if (password.length > LONGEST_PASSWORD) return undefined;
  const padded = new Uint8Array(Math.max(BLOCK, Math.ceil(password.length / BLOCK) * BLOCK));
  padded.set(password);
  const blocks: Uint8Array[] = [];
  let previous = key.authenticator;
  for (let at = 0; at < padded.length; at += BLOCK) {
    previous = xorBlock(padded.subarray(at, at + BLOCK), md5(key.secret, previous));
    blocks.push(previous);
  }
  return concatBytes(blocks);
}

/** The password without its padding of zeroes. Undefined if the value is not 16 to 128 octets in whole blocks. */
export function revealUserPassword(value: Uint8Array, key: PasswordKey): Uint8Array | undefined {
  if (value.length === 0 || value.length % BLOCK !== 0 || value.length > LONGEST_PASSWORD) return undefined;
  const blocks: Uint8Array[] = [];
  let previous = key.authenticator;
  for (let at = 0; at < value.length; at += BLOCK) {
    const block = value.subarray(at, at + BLOCK);
    blocks.push(xorBlock(block, md5(key.secret, previous)));
    previous = block;
  }
  const padded = concatBytes(blocks);
  let end = padded.length;
  while (end > 0 && padded[end - 1] === 0) end--;
  return padded.subarray(0, end);
}

export interface ChapExchange {
  /** 0..255. */
  readonly chapId: number;
  readonly password: Uint8Array;
  /** Sent as CHAP-Challenge, or the Request Authenticator itself. */
  readonly challenge: Uint8Array;
}

/** The value of CHAP-Password: the CHAP identifier and the 16 octets of RFC 1994 §4.1's response. */
export function chapPassword(exchange: ChapExchange): Uint8Array {
  const id = Uint8Array.of(exchange.chapId);
  return concatBytes([id, md5(id, exchange.password, exchange.challenge)]);
}
