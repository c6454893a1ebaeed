// Interfaces of this host that are no ports of the bridge.

import { readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/** Its ifindex now; undefined if there is none of this name. */
export function interfaceIndex(name: string): number | undefined {
  try {
    const index = Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'utf8'));
    return Number.isInteger(index) && index > 0 ? index : undefined;
  } catch {
    return undefined;
  }
}

/** The bridge, bond or VRF that it is in; undefined if it is in none, or not there. */
export function masterOf(name: string): string | undefined {
  try {
    return basename(readlinkSync(`/sys/class/net/${name}/master`));
  } catch {
    return undefined;
  }
}
