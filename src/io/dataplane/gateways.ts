// The routers that this host sends by, of IPv4 and IPv6, as the kernel's routes name them.

import { readFileSync } from 'node:fs';
import { fromHex } from '../../base/bytes.ts';
import { type Ip, ipv4FromBytes, ipv6FromBytes } from '../../base/ip.ts';

export function gateways(): ReadonlySet<Ip> {
  return new Set([
    ...gatewaysOf4(read('/proc/self/net/route')),
    ...gatewaysOf6(read('/proc/self/net/ipv6_route')),
  ]);
}

/** Lines of /proc/self/net/route: the third column, hexadecimal, its octets in the order of the machine, which is little-endian. */
export function gatewaysOf4(table: string): readonly Ip[] {
  return columnOf(table, 2, 8).map((octets) => ipv4FromBytes(octets.reverse()));
}

/** Lines of /proc/self/net/ipv6_route: the fifth column, hexadecimal. */
export function gatewaysOf6(table: string): readonly Ip[] {
  return columnOf(table, 4, 32).map((octets) => ipv6FromBytes(octets));
}

/** Zeros are no router: what is there is on the link. */
function columnOf(table: string, column: number, digits: number): readonly Uint8Array[] {
  return table
    .split('\n')
    .map((line) => line.split(/\s+/)[column] ?? '')
    .filter((word) => word.length === digits && /[^0]/.test(word))
    .flatMap((word) => fromHex(word) ?? []);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // A kernel without that protocol.
    return '';
  }
}
