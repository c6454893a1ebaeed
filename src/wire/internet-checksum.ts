// The Internet checksum (RFC 1071) and the pseudo-headers that UDP and ICMPv6 include in theirs.

/** One's complement sum of 16-bit words, an odd last octet padded with zero; not yet complemented nor folded. */
export function checksumAdd(sum: number, bytes: Uint8Array): number {
  let total = sum;
  for (let i = 0; i + 1 < bytes.length; i += 2) total += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  if (bytes.length % 2 === 1) total += (bytes[bytes.length - 1] ?? 0) << 8;
  return total;
}

/** The checksum field for a sum: 0..65535. Over octets that include a right checksum it is 0. */
export function checksumFinish(sum: number): number {
  let total = sum;
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 0x10000);
  return ~total & 0xffff;
}

/**
 * Sum of the pseudo-header of an upper layer over IPv4 (RFC 768) or IPv6 (RFC 8200 §8.1): the two agree once summed.
 * `addresses` is source and destination, together, as they stand in the IP header.
 */
export function pseudoHeaderSum(addresses: Uint8Array, protocol: number, length: number): number {
  return checksumAdd(0, addresses) + protocol + (length & 0xffff) + (length >>> 16);
}
