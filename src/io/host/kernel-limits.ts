// What the kernel allows a socket.

import { readText } from '../files.ts';

/** `net.core.optmem_max`, in octets; undefined where the system does not say: a network namespace of a kernel before 6.8. */
export function optmemMax(): number | undefined {
  const text = readText('/proc/sys/net/core/optmem_max');
  const octets = text.ok ? Number.parseInt(text.value, 10) : Number.NaN;
  return Number.isNaN(octets) ? undefined : octets;
}
