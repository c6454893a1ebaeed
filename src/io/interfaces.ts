// Interfaces of this host that are no ports of the bridge.

import { readFileSync } from 'node:fs';

/** Its ifindex now; undefined if there is none of this name. */
export function interfaceIndex(name: string): number | undefined {
  try {
    const index = Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'utf8'));
    return Number.isInteger(index) && index > 0 ? index : undefined;
  } catch {
    return undefined;
  }
}
